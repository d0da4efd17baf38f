from projections.audit.anchors import Anchors
from projections.audit.verify import AuditReport, Difference, verify
from projections.audit.write import AUDIT

__all__ = ["AUDIT", "Anchors", "AuditReport", "Difference", "verify"]
