"""What Stripe's own books say: the balance, its movements, and payouts. Its days are days in UTC.

Source: README, "Reports".
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from pydantic import StrictBool, StrictInt

from providers.connector import Attempt, Request
from providers.notices import named
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.stripe.amounts import signed_from_wire
from providers.payments.stripe.errors import refusal
from providers.payments.stripe.moments import moment
from providers.payments.stripe.wire import PAGE_SIZE, REFERENCE, Fields, Reply, at, get, id_of
from schemas.money import Money
from schemas.payments.resources import (
    Balance,
    GetBalance,
    ListPayouts,
    ListTransactions,
    Payout,
    PayoutPage,
    Transaction,
    TransactionPage,
)
from schemas.verdicts import Verdict

_BALANCE: Final = "/v1/balance"
_LINES: Final = "/v1/balance_transactions"
_PAYOUTS: Final = "/v1/payouts"
_DAY_S: Final = 86_400

Kind = Literal["payment", "refund", "cancel", "chargeback", "fee", "transfer", "other"]
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "application_fee": "fee",
        "charge": "payment",
        "charge_failure": "cancel",
        "dispute": "chargeback",
        "fee": "fee",
        "network_cost": "fee",
        "partial_capture_reversal": "cancel",
        "refund": "refund",
        "tax": "fee",
        "transfer": "transfer",
        "transfer_reversal": "transfer",
    }
)
"""By `reporting_category`; payouts are `other`, since they are listed by themselves. So is what came back of a refund
that failed (`refund_failure`), or of a dispute that was won (`dispute_reversal`): a kind says which way money went."""
_OUT: Final = frozenset({"refund", "cancel", "chargeback"})
_PAID: Final = frozenset({"paid", "pending", "in_transit"})
_BACK: Final = frozenset({"failed", "canceled"})


class Part(Fields):
    amount: StrictInt | None = None
    currency: str | None = None


L = TypeVar("L", bound=Part)


class BalanceReply(Reply):
    object: str | None = None
    available: tuple[Part, ...] | None = None
    pending: tuple[Part, ...] | None = None


class Line(Part):
    created: StrictInt | None = None
    fee: StrictInt | None = None
    net: StrictInt | None = None
    reporting_category: str | None = None
    source: Any = None
    status: str | None = None
    type: str | None = None


class LineList(Reply):
    object: str | None = None
    data: tuple[Line, ...] | None = None
    has_more: StrictBool | None = None


class PayoutFields(Part):
    arrival_date: StrictInt | None = None
    status: str | None = None


class PayoutList(Reply):
    object: str | None = None
    data: tuple[PayoutFields, ...] | None = None
    has_more: StrictBool | None = None


def build_balance(_command: GetBalance, _attempt: Attempt) -> Request:
    return get(_BALANCE, _BALANCE)


def read_balance(reply: BalanceReply, _command: GetBalance, _attempt: Attempt) -> Outcome:
    """What is owed to Stripe stands below zero."""
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    if reply.object != "balance" or reply.available is None or reply.pending is None:
        raise UnusableAnswer("the answer is no balance")
    told = Balance(available=_moneys(reply.available), pending=_moneys(reply.pending))
    return Outcome(verdict=Verdict.ACCEPTED, details=told)


def build_transactions(command: ListTransactions, _attempt: Attempt) -> Request:
    """Each movement comes with what it is of, so that payment and reference are told."""
    return get(_LINES, _LINES, (*_of_day("created", command.day, command.cursor), ("expand[0]", "data.source")))


def read_transactions(reply: LineList, command: ListTransactions, _attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    lines = _listed(reply.object, reply.data)
    told = TransactionPage(
        day=command.day,
        transactions=tuple(_transaction(line) for line in lines),
        next_cursor=_next(lines, more=reply.has_more),
    )
    return Outcome(verdict=Verdict.ACCEPTED, details=told)


def build_payouts(command: ListPayouts, _attempt: Attempt) -> Request:
    """Of a day are those that arrive at the bank on it."""
    return get(_PAYOUTS, _PAYOUTS, _of_day("arrival_date", command.day, command.cursor))


def read_payouts(reply: PayoutList, command: ListPayouts, _attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    payouts = _listed(reply.object, reply.data)
    told = PayoutPage(
        day=command.day,
        payouts=tuple(_payout(payout) for payout in payouts),
        next_cursor=_next(payouts, more=reply.has_more),
    )
    return Outcome(verdict=Verdict.ACCEPTED, details=told)


def _of_day(name: str, day: date, cursor: str | None) -> tuple[tuple[str, str], ...]:
    begins = int(datetime.combine(day, time(), UTC).timestamp())
    asked = (
        (f"{name}[gte]", str(begins)),
        (f"{name}[lt]", str(begins + _DAY_S)),
        ("limit", str(PAGE_SIZE)),
    )
    return asked if cursor is None else (*asked, ("starting_after", cursor))


def _listed(kind: str | None, data: tuple[L, ...] | None) -> tuple[L, ...]:
    if kind != "list" or data is None:
        raise UnusableAnswer("the answer is no list")
    return data


def _next(listed: tuple[Fields, ...], *, more: bool | None) -> str | None:
    """Raises: UnusableAnswer: it is not told whether there is more, or there is and nothing to go on from."""
    if more is False:
        return None
    last = named(listed[-1].id) if listed else None
    if more is None or last is None:
        raise UnusableAnswer("has_more or the last id is missing, so that the next page cannot be told")
    return last


def _moneys(parts: tuple[Part, ...]) -> tuple[Money, ...]:
    return tuple(signed_from_wire(part.amount, part.currency, "amount") for part in parts)


def _transaction(line: Line) -> Transaction:
    """Amounts are of the account's own currency: what a payment in another one came to."""
    source = line.source
    payment = id_of(at(source, "payment_intent"))
    signed = signed_from_wire(line.amount, line.currency, "amount")
    return Transaction(
        kind=_kind(line.reporting_category or "", signed),
        transaction_reference=line.require("balance_transaction"),
        payment_reference=payment or id_of(source),
        our_reference=named(at(source, "metadata", REFERENCE)),
        at=moment(line.created),
        amount=_magnitude(signed),
        fee=None if line.fee is None else _magnitude(signed_from_wire(line.fee, line.currency, "fee")),
        net=None if line.net is None else _magnitude(signed_from_wire(line.net, line.currency, "net")),
        state=line.status,
    )


def _kind(category: str, signed: Money) -> Kind:
    kind = _KINDS.get(category, "other")
    backwards = (kind in _OUT and signed.minor > 0) or (kind == "payment" and signed.minor < 0)
    return "other" if backwards else kind


def _payout(payout: PayoutFields) -> Payout:
    """Raises: UnusableAnswer: its status was never met, so that nobody can say which way the money went."""
    reference = payout.require("payout")
    if payout.status not in _PAID | _BACK:
        raise UnusableAnswer("status of a payout is missing or a word that Stripe's documents do not have")
    return Payout(
        kind="paid_out" if payout.status in _PAID else "returned",
        payout_reference=reference,
        amount=_magnitude(signed_from_wire(payout.amount, payout.currency, "amount")),
        at=moment(payout.arrival_date),
        state=payout.status,
    )


def _magnitude(money: Money) -> Money:
    return money.with_minor(abs(money.minor))
