from projections.audit import Anchors, AuditReport, Difference, verify
from projections.catalog import PROJECTIONS, projection
from projections.compare import RowDifference, compare
from projections.pool import open_pool
from projections.rebuild import Rebuilt, differences, rebuild
from projections.runner import Projector
from projections.status import Standing, high_water, report, stands_at

__all__ = [
    "PROJECTIONS",
    "Anchors",
    "AuditReport",
    "Difference",
    "Projector",
    "Rebuilt",
    "RowDifference",
    "Standing",
    "compare",
    "differences",
    "high_water",
    "open_pool",
    "projection",
    "rebuild",
    "report",
    "stands_at",
    "verify",
]
