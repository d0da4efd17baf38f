"""Writing the movements of money."""

from collections.abc import Sequence
from uuid import UUID

from projections.columns import columns
from projections.entry import Entry
from projections.payments.fold import Late, Movement, Settlement, fold, is_told
from projections.projection import Connection, Projection
from projections.seen import unseen
from projections.statements import statement
from streams.topics import Topic, Topics


def _reads(topics: Topics) -> tuple[Topic, ...]:
    return (topics.payment_events,)


def _number(transaction_id: UUID) -> int:
    return transaction_id.int


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    new = await unseen(connection, "payments/mark", [entry for entry in entries if is_told(entry)], shadow)
    movements: dict[UUID, Movement] = {}
    lates: dict[UUID, Late] = {}
    settlements: list[Settlement] = []
    for part in (part for entry in new for part in fold(entry)):
        match part:
            case Movement():
                movements.setdefault(part.transaction_id, part)
            case Late():
                known = lates.get(part.transaction_id)
                if known is None or (known.late_verdict != "accepted" == part.late_verdict):
                    lates[part.transaction_id] = part
            case Settlement():
                settlements.append(part)
    # Settlements come last: each looks only at creations that lie before it in the log.
    for name, rows in (
        ("payments/results", [movements[key] for key in sorted(movements, key=_number)]),
        ("payments/late", [lates[key] for key in sorted(lates, key=_number)]),
        ("payments/settle", settlements),
    ):
        if rows:
            await connection.execute(statement(name, shadow), *columns(rows))


PAYMENTS = Projection(
    "payments", ("payment_transactions", "payment_transactions_seen"), ("payment_totals",), _reads, _write
)
