"""What was paid, what went back, and all else that stands at Stripe, kept durably."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from infra.sandbox.book_file import BookFile
from infra.sandbox.clock import SandboxClock
from infra.sandbox.stripe.records import (
    BookedPayment,
    BookedRefund,
    Movement,
    Totals,
    all_movements,
    all_payments,
    all_refunds,
    totals_of,
)


class Books(BookFile):
    """The file of all accounts' objects and of what their endpoints were told."""

    def __init__(
        self, path: str | Path = ":memory:", *, read_only: bool = False, now_ms: Callable[[], int] | None = None
    ) -> None:
        schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        now_ms = now_ms or SandboxClock().now_ms
        super().__init__(path, schema=schema, first_ids={}, read_only=read_only, now_ms=now_ms)

    def entries(self) -> tuple[BookedPayment, ...]:
        """All payment intents in the order they were begun, declined ones among them."""
        return self.look(all_payments)

    def refunds(self) -> tuple[BookedRefund, ...]:
        """All refunds in the order they were made."""
        return self.look(all_refunds)

    def movements(self) -> tuple[Movement, ...]:
        """Every change of the balance, in order of time."""
        return self.look(all_movements)

    def totals(self) -> Totals:
        """The sums and counts that a hub's own tables are balanced against."""
        return self.look(lambda connection: totals_of(all_payments(connection), all_movements(connection)))
