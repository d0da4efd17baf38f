"""Money that went to a bank, came back from there, or moved between merchant and sub-merchants."""

import sqlite3
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class BookedMovement:
    """Money that left for a bank, came back from there, or moved between merchant and sub-merchant.

    `sub_merchant_key` None is the merchant's own; `payment_transaction_id` is there for payouts.
    """

    movement_id: str
    kind: Literal["payout", "bounced", "to_sub_merchant", "from_sub_merchant"]
    payment_transaction_id: str | None
    sub_merchant_key: str | None
    amount_minor: int
    currency: str
    conversation_id: str | None
    created_ms: int


def all_movements(connection: sqlite3.Connection) -> tuple[BookedMovement, ...]:
    """Every movement in the order they were made."""
    rows = connection.execute(
        "SELECT movement_id, kind, line_id, sub_merchant_key, amount_minor, currency, conversation_id, created_ms "
        "FROM movement ORDER BY movement_id"
    )
    return tuple(
        BookedMovement(str(number), kind, None if line is None else str(line), *rest)
        for number, kind, line, *rest in rows
    )
