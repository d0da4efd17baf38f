"""The served paths: what each performs, which fields its answer signs, and whether it excludes itself."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra.sandbox.iyzico import bins, card_storage
from infra.sandbox.iyzico.payments import Call, Result, capture, charge, detail, hold
from infra.sandbox.iyzico.refunds import cancel, refund_amount, refund_line
from infra.sandbox.iyzico.reporting import payment_details
from infra.sandbox.iyzico.signing import PAYMENT_ORDER, REFUND_ORDER

Operation = Callable[[sqlite3.Connection, Call], Result]


@dataclass(frozen=True, slots=True)
class Route:
    """`signed` are the answer's signed fields. `creates` takes fault markers.

    `alone` is true for the calls of which one payment bears only one at a time (8514).
    """

    operation: Operation
    signed: tuple[str, ...] = ()
    creates: bool = False
    alone: bool = False
    needs_body: bool = True


def _alive(_connection: sqlite3.Connection, _call: Call) -> Result:
    return {}


def _check_bin(_connection: sqlite3.Connection, call: Call) -> Result:
    return bins.check_bin(call.body)


def _installments(_connection: sqlite3.Connection, call: Call) -> Result:
    return bins.installment_table(call.body)


def _add_card(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.add_card(connection, call.body, call.now_ms)


def _list_cards(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.list_cards(connection, call.body)


def _delete_card(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.delete_card(connection, call.body)


ALIVE = ("GET", "/payment/test")

ROUTES: Mapping[tuple[str, str], Route] = MappingProxyType(
    {
        ALIVE: Route(_alive, needs_body=False),
        ("POST", "/payment/auth"): Route(charge, PAYMENT_ORDER, creates=True),
        ("POST", "/payment/preauth"): Route(hold, PAYMENT_ORDER, creates=True),
        ("POST", "/payment/postauth"): Route(capture, PAYMENT_ORDER),
        ("POST", "/payment/detail"): Route(detail, PAYMENT_ORDER),
        ("POST", "/payment/cancel"): Route(cancel, alone=True),
        ("POST", "/payment/refund"): Route(refund_line, REFUND_ORDER, alone=True),
        ("POST", "/v2/payment/refund"): Route(refund_amount, REFUND_ORDER, alone=True),
        ("GET", "/v2/reporting/payment/details"): Route(payment_details, needs_body=False),
        ("POST", "/payment/bin/check"): Route(_check_bin),
        ("POST", "/payment/iyzipos/installment"): Route(_installments),
        ("POST", "/cardstorage/card"): Route(_add_card),
        ("POST", "/cardstorage/cards"): Route(_list_cards),
        ("DELETE", "/cardstorage/card"): Route(_delete_card),
    }
)
