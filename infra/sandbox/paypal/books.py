"""What the merchant's payers paid, what went back, and every other thing at PayPal, kept durably."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from infra.sandbox.book_file import BookFile
from infra.sandbox.clock import SandboxClock
from infra.sandbox.paypal.records import Kind, Movement, Resource, Totals, all_movements, all_of, totals_of


class Books(BookFile):
    """The file of everything that has an id, of the merchant's money, and of what it was told."""

    def __init__(
        self, path: str | Path = ":memory:", *, read_only: bool = False, now_ms: Callable[[], int] | None = None
    ) -> None:
        schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        now_ms = now_ms or SandboxClock().now_ms
        super().__init__(path, schema=schema, first_ids={}, read_only=read_only, now_ms=now_ms)

    def entries(self, kind: Kind = "order") -> tuple[Resource, ...]:
        """All of one kind, in the order they were made."""
        return self.look(lambda connection: tuple(all_of(connection, kind)))

    def movements(self) -> tuple[Movement, ...]:
        """Every change of the merchant's balance, in order of time."""
        return self.look(all_movements)

    def totals(self) -> Totals:
        """The sums and counts that a hub's own tables are balanced against."""
        return self.look(totals_of)
