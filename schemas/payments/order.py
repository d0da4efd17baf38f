"""What every order about a payment says."""

from uuid import UUID

from schemas.base import IntegrationId, Order
from schemas.envelope import UtcTime


class PaymentOrder(Order):
    """What every payment command says."""

    payment_id: UUID
    integration_id: IntegrationId | None = None
    """Which account performs it. Later commands of a payment go where its creation went, whatever stands here."""
    expires_at: UtcTime | None = None
    """Past this moment it is not begun any more and ends as refused with reason `expired`."""

    @property
    def key(self) -> str:
        return str(self.payment_id)
