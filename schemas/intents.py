"""What the hub is about to send, written to Kafka before the bytes leave: from it the ledger can be rebuilt."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from schemas.base import Fact
from schemas.envelope import UtcTime
from schemas.routing import Routed


class SendIntended(Fact):
    """An attempt may be sent from now on. An intent without a result means: maybe performed, ask first."""

    type: ClassVar[str] = "ledger.send_intended.v1"

    command_id: UUID
    command_type: str
    command_digest: str
    key: str
    attempt: Annotated[int, Field(ge=1)]
    integration_id: str
    reference: str
    request_digest: str
    routing: Routed | None = None
    """How the integration was chosen, where the command named none."""
    epoch: int
    ledger: UUID
    """The incarnation of the ledger that the claim was made in."""
    intended_at: UtcTime
