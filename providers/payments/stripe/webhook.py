"""Their calls to us: events. Pure: headers and bytes in, a notice out. A notice is a hint; the payment is asked for.

Source: README, "Webhooks".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.notices import Call, Notice, Refused, Webhooks, named
from providers.payments.stripe.wire import REFERENCE, at, id_of
from providers.reading import Unreadable, parse_json
from providers.signatures import TimedSignature, secrets_named
from schemas.payments.notices import ProviderState
from schemas.webhooks import Verified

SIGNED: Final = TimedSignature("stripe-signature")
_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {
        "payment_intent.succeeded": "captured",
        "payment_intent.amount_capturable_updated": "authorized",
        "payment_intent.processing": "pending",
        "payment_intent.requires_action": "pending",
        "payment_intent.payment_failed": "failed",
        "payment_intent.canceled": "cancelled",
        # Of a page these are: what the payer did there, the payment's intent tells.
        "checkout.session.completed": "pending",
        "checkout.session.async_payment_succeeded": "captured",
        "checkout.session.async_payment_failed": "failed",
        "checkout.session.expired": "failed",
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
    about = _object(at(event, "data", "object"))
    return _notice(verdict, event_id, named(event.get("type")) or "unnamed", about)


def _notice(verified: Verified, event_id: str, event_type: str, about: Mapping[str, Any]) -> Notice:
    """What it is about: a subscription, its bill, the page that leads to one; or a payment, and all that is of one."""
    known: dict[str, Any] = {"verified": verified, "event_id": event_id, "event_type": event_type}
    ours = named(at(about, "metadata", REFERENCE))
    match about.get("object"):
        case "subscription":
            return _of_subscription(known, ours, named(about.get("id")))
        case "checkout.session" if about.get("mode") == "subscription":
            return _of_subscription(known, ours, id_of(about.get("subscription")))
        case "invoice" if (of := at(about, "parent", "subscription_details")) is not None:
            return _of_subscription(
                known, named(at(of, "metadata", REFERENCE)), id_of(at(of, "subscription")), named(about.get("id"))
            )
        case "dispute":
            # The payment's own names are looked up; how the dispute stands, and whose it is, Stripe is asked.
            return Notice(
                **known, provider_reference=id_of(about.get("payment_intent")), dispute_reference=named(about.get("id"))
            )
        case "payment_intent":
            said = _STATES.get(event_type)
            return Notice(**known, our_reference=ours, provider_reference=named(about.get("id")), said=said)
        case _:
            # A page is told by its payment, once there is one; a charge or a refund names it too.
            intent = id_of(about.get("payment_intent"))
            return Notice(**known, our_reference=ours, provider_reference=intent, said=_STATES.get(event_type))


def _of_subscription(
    known: Mapping[str, Any], ours: str | None, subscription: str | None, invoice: str | None = None
) -> Notice:
    return Notice(
        **known, our_reference=ours, provider_reference=subscription, about="resource", order_reference=invoice
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


WEBHOOKS: Final = Webhooks(("event",), read_notice)
