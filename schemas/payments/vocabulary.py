"""All that travels on the topics of payments: what is said of payments, and of what stands beside them."""

from typing import Final

from schemas.payments import PAYMENT_COMMANDS, PAYMENT_EVENTS, PaymentCommand, PaymentEvent, Result
from schemas.payments.resources import (
    RESOURCE_COMMANDS,
    RESOURCE_EVENTS,
    ResourceEnding,
    ResourceEvent,
    ResourceOrder,
)

Command = PaymentCommand | ResourceOrder
Event = PaymentEvent | ResourceEvent
Ending = Result | ResourceEnding
"""The one result of a command."""
COMMANDS: Final[tuple[type[Command], ...]] = (*PAYMENT_COMMANDS, *RESOURCE_COMMANDS)
EVENTS: Final[tuple[type[Event], ...]] = (*PAYMENT_EVENTS, *RESOURCE_EVENTS)
