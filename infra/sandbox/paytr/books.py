"""What the store's buyers paid, what went back, and where it was sent, kept durably."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from infra.sandbox.book_file import BookFile
from infra.sandbox.clock import SandboxClock
from infra.sandbox.paytr.records import (
    BookedPayment,
    BookedRefund,
    BookedTransfer,
    Movement,
    Totals,
    all_movements,
    all_payments,
    all_refunds,
    all_transfers,
    totals_of,
)

_FIRST_IDS: Final = {"payment": 31_500_000, "refund": 5_200_000, "transfer": 810_000, "callback": 1}


class Books(BookFile):
    """The file of payments, refunds, transfers and what the store was told of them."""

    def __init__(
        self, path: str | Path = ":memory:", *, read_only: bool = False, now_ms: Callable[[], int] | None = None
    ) -> None:
        schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        now_ms = now_ms or SandboxClock().now_ms
        super().__init__(path, schema=schema, first_ids=_FIRST_IDS, read_only=read_only, now_ms=now_ms)

    def entries(self) -> tuple[BookedPayment, ...]:
        """All payments in the order they were begun, failed ones among them."""
        return self.look(all_payments)

    def refunds(self) -> tuple[BookedRefund, ...]:
        """All refunds in the order they were made."""
        return self.look(all_refunds)

    def transfers(self) -> tuple[BookedTransfer, ...]:
        """All shares of sellers in the order they were asked for."""
        return self.look(all_transfers)

    def movements(self) -> tuple[Movement, ...]:
        """Every change of the store's balance, in order of time."""
        return self.look(all_movements)

    def totals(self) -> Totals:
        """The sums and counts that a hub's own tables are balanced against."""
        return self.look(lambda connection: totals_of(all_payments(connection), all_movements(connection)))
