"""Whether the sandbox's objects have the members that Stripe's client for Python declares, in its version."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import stripe

from tests.stripe_shop import StripeShop

CLASSES: Final[Mapping[str, type]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "billing_portal.session": stripe.billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
    "subscription": stripe.Subscription,
}


async def misshapen(shop: StripeShop) -> dict[str, tuple[list[str], list[str]]]:
    """By kind, the members that are missing and those that nobody knows, of all that stands in the books."""
    documents = await shop.sandbox.books.run(
        lambda connection: connection.execute("SELECT body FROM document WHERE kind != 'deleted_customer'").fetchall()
    )
    found = {}
    for (text,) in documents:
        document = json.loads(text)
        known = CLASSES.get(document["object"])
        if known is not None and (wrong := _wrong(known, document)) != ([], []):
            found[str(document["object"])] = wrong
    return found


def _wrong(known: type, document: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    needed, declared = _members(known)
    shown = {name for name in document if not name.startswith("_")}
    return sorted(needed - shown), sorted(shown - declared)


@cache
def _members(known: type) -> tuple[frozenset[str], frozenset[str]]:
    """Those that have to be there, and all."""
    declared = {name: str(kind) for name, kind in known.__annotations__.items() if name != "OBJECT_NAME"}
    # An optional member need not be there; one that is only nullable has to.
    needed = frozenset(name for name, kind in declared.items() if not kind.startswith("typing.Optional"))
    return needed, frozenset(declared)
