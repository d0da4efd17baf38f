"""Heads of the audit chains, written to a topic of their own so that the table cannot be rewritten unseen."""

from typing import ClassVar

from schemas.base import Fact
from schemas.envelope import UtcTime


class AuditAnchored(Fact):
    """The chain over one topic-partition had this head at this offset."""

    type: ClassVar[str] = "audit.anchored.v1"

    topic: str
    partition: int
    offset: int
    head: str
    anchored_at: UtcTime
