"""What the sandbox charged, held, captured, cancelled and refunded, kept durably."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from infra.sandbox.book_file import BookFile
from infra.sandbox.iyzico.clock import wall_clock_ms
from infra.sandbox.iyzico.movements import BookedMovement, all_movements
from infra.sandbox.iyzico.records import BookedPayment, all_payments
from infra.sandbox.iyzico.totals import Totals, totals_of

_FIRST_IDS = {"payment": 22_400_000, "line": 24_100_000, "reversal": 71_000, "reversal_part": 81_000}


class Books(BookFile):
    """The file of payments, their lines and their reversals."""

    def __init__(
        self, path: str | Path = ":memory:", *, read_only: bool = False, now_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        folders = (files(__package__), files(__package__).joinpath("subscriptions"))
        schema = "\n".join(folder.joinpath("schema.sql").read_text(encoding="utf-8") for folder in folders)
        super().__init__(path, schema=schema, first_ids=_FIRST_IDS, read_only=read_only, now_ms=now_ms)

    def entries(self) -> tuple[BookedPayment, ...]:
        """All payments in the order they were made, declined ones among them, each with lines and reversals."""
        return self.look(lambda connection: all_payments(connection, self.now_ms()))

    def movements(self) -> tuple[BookedMovement, ...]:
        """Payouts, what bounced of them, and what moved between merchant and sub-merchants."""
        return self.look(all_movements)

    def totals(self) -> Totals:
        """The sums and counts that a hub's own tables are balanced against."""
        return totals_of(self.entries())
