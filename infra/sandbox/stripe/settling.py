"""What time alone brings about."""

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.stripe import charges, disputes, holds, money, payouts, refunds
from infra.sandbox.stripe.account import Account
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.checkout import paying as checkout
from infra.sandbox.stripe.checkout import sessions
from infra.sandbox.stripe.confirming import KIND, decide
from infra.sandbox.stripe.shelf import Shelf
from infra.sandbox.stripe.subscriptions import billing
from infra.sandbox.stripe.subscriptions.invoices import paid_by_intent

_MOST_AT_ONCE: Final = 10_000


def _decided(call: Call, intent: str, *, succeeds: bool) -> None:
    decide(call, call.shelf.known(KIND, intent), succeeds=succeeds)


def _follow(call: Call, about: str) -> None:
    """A page or a bill moves with its intent."""
    intent = call.shelf.find(about) or {}
    checkout.follow(call, intent)
    invoice = paid_by_intent(call, intent)
    if invoice is not None:
        named = invoice["parent"]["subscription_details"]["subscription"]
        billing.recover(call, call.shelf.known(billing.KIND, named))


MOMENTS: Final[Mapping[str, Callable[[Call, str], object]]] = MappingProxyType(
    {
        "arrives": payouts.arrive,
        "available": lambda call, about: money.become_available(call.shelf, about),
        "booking_told": charges.tell_booking,
        "dispute": disputes.open_for_card,
        "fails": lambda call, about: _decided(call, about, succeeds=False),
        "hold_lapses": holds.lapse,
        "incomplete_lapses": billing.lapse,
        "intent_moved": _follow,
        "page_expires": sessions.lapse,
        "refund_fails": lambda call, about: refunds.settle(call, about, "failed"),
        "refund_succeeds": lambda call, about: refunds.settle(call, about, "succeeded"),
        "renewal": billing.renew,
        "retry": billing.retry,
        "succeeds": lambda call, about: _decided(call, about, succeeds=True),
    }
)


def settle_due(connection: sqlite3.Connection, account: Account, now_ms: int) -> None:
    """Let happen what is due, each at its own moment; what it brings about may be due as well."""
    for _ in range(_MOST_AT_ONCE):
        row = connection.execute(
            "SELECT due_id, account, what, about, at_ms FROM due WHERE at_ms <= ? ORDER BY at_ms, due_id", (now_ms,)
        ).fetchone()
        if row is None:
            return
        connection.execute("DELETE FROM due WHERE due_id = ?", (row[0],))
        MOMENTS[row[2]](Call(Shelf(connection, row[1], row[4]), account), row[3])


def next_moment_ms(connection: sqlite3.Connection) -> int | None:
    (at_ms,) = connection.execute("SELECT min(at_ms) FROM due").fetchone()
    return None if at_ms is None else int(at_ms)
