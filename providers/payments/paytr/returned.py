"""What was given back of an order, as its status tells it. Names inside `returns` are not documented."""

from dataclasses import dataclass

from providers.connector import Wire
from providers.payments.paytr.amounts import Amount, from_wire
from providers.payments.paytr.status import StatusReply
from providers.payments.paytr.wire import Word, rows_of
from schemas.money import Money


class _Row(Wire):
    return_amount: Amount
    reference_no: Word | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """One refund; `reference` is what was sent with it, if anything."""

    amount: Money
    reference: str | None


def returns_of(reply: StatusReply) -> tuple[Returned, ...]:
    """All refunds.

    Raises:
        UnusableAnswer: a refund without an amount that can be read. Taken for nothing, it would be made again.
    """
    return tuple(
        Returned(from_wire(row.return_amount, reply.currency, "return_amount"), row.reference_no)
        for row in rows_of(reply.returns, _Row, "returns")
    )
