"""What every order about a resource says.

A resource is what stands at a provider beside single payments: a kept card, a plan, a subscription, a sub-merchant, a
payment link. A question, such as for a day's transactions, is a resource of its own that is never heard of again.
"""

from typing import ClassVar
from uuid import UUID

from schemas.base import IntegrationId, Order
from schemas.envelope import UtcTime


class ResourceOrder(Order):
    """What every command about a resource says."""

    keyed_by: ClassVar[str] = "resource_id"
    moves: ClassVar[bool] = True
    """Whether it changes something at the provider; questions do not, and may be asked again freely."""

    resource_id: UUID
    """The publisher's own id of what it is about. Commands of one resource are performed one after the other."""
    integration_id: IntegrationId | None = None
    """Which account performs it. Later commands of a resource go where its first went, whatever stands here."""
    expires_at: UtcTime | None = None
    """Past this moment it is not begun any more and ends as refused with reason `expired`."""

    @property
    def key(self) -> str:
        return str(self.resource_id)


class Question(ResourceOrder):
    """Asks for something, and changes nothing."""

    moves: ClassVar[bool] = False
