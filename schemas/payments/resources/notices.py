"""Words that a provider says of a resource, which make the hub ask how it stands."""

from typing import ClassVar

from schemas.base import Token
from schemas.payments.resources.orders import Question


class TakeResourceNotice(Question):
    """Somebody heard of a change: ask the provider, and tell what it says. Whoever publishes it decides nothing.

    Its `ce_id` is made from what was heard, so that the same word heard twice is one command.
    """

    type: ClassVar[str] = "payments.take_resource_notice.v1"

    event_id: Token | None = None
    """The provider's id of the event, where it has one."""
    event_type: Token | None = None
    provider_reference: Token | None = None
    order_reference: Token | None = None
    """The provider's own id of the charge that it is about, where it names one."""
