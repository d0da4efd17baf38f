"""Their calls to us: events. Pure: headers and bytes in, a notice out. A notice is a hint; the payment is asked for.

Source: README, "Webhooks".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.notices import Call, Notice, Refused, Webhooks, named
from providers.reading import Unreadable, parse_json
from providers.signatures import TimedSignature, secrets_named
from schemas.payments.notices import ProviderState

SIGNED: Final = TimedSignature("stripe-signature")
REFERENCE: Final = "kolaj_reference"
"""The name in an object's metadata under which the reference stands that we sent with the attempt."""
_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {
        "payment_intent.succeeded": "captured",
        "payment_intent.amount_capturable_updated": "authorized",
        "payment_intent.processing": "pending",
        "payment_intent.requires_action": "pending",
        "payment_intent.payment_failed": "failed",
        "payment_intent.canceled": "cancelled",
    }
)


def read_notice(call: Call) -> Notice | Refused:
    """The notice, when it is theirs and can be read. A test's event on an account of real money is not taken."""
    verdict = SIGNED.verify(call.headers, call.body, secrets_named(call.credentials, "webhook_secret"), call.arrived_at)
    if isinstance(verdict, Refused):
        return verdict
    try:
        event = _object(parse_json(call.body))
    except Unreadable:
        return Refused("malformed")
    event_id, live = named(event.get("id")), event.get("livemode")
    if event_id is None:
        return Refused("malformed")
    if isinstance(live, bool) and live != (call.environment == "production"):
        return Refused("wrong_environment")
    event_type = named(event.get("type")) or "unnamed"
    about = _object(_object(event.get("data")).get("object"))
    return Notice(
        verified=verdict,
        event_id=event_id,
        event_type=event_type,
        our_reference=named(_object(about.get("metadata")).get(REFERENCE)),
        provider_reference=_payment_intent(about),
        said=_STATES.get(event_type),
    )


def _payment_intent(about: Mapping[str, Any]) -> str | None:
    """The id of the payment that an event is about: its own, or the one that a charge, refund or dispute names."""
    if about.get("object") == "payment_intent":
        return named(about.get("id"))
    found = about.get("payment_intent")
    return named(_object(found).get("id") if isinstance(found, dict) else found)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


WEBHOOKS: Final = Webhooks(("event",), read_notice)
