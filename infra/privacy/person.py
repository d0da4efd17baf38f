"""Whom it is about: the data subject, and how its publisher knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.vault.persons import open_person
from agents.vault.subjects import KnownSubject, Subjects
from projections.statements import statement
from schemas.personal import SealedPerson

ERASED: Final = "erased"
LOST: Final = "lost: its key is not in this database"


@dataclass(frozen=True, slots=True)
class Person:
    """A data subject as far as it is known.

    Attributes:
        subject: `None` where no payment of this buyer was ever concluded, or an erased one alone was.
        known: what the vault says of it.
        source, buyer_id: as its publisher names it; `None` once it was erased.
        payments: those that its rows name.
        rows: what `payment_transactions` holds.
    """

    subject: UUID | None
    known: KnownSubject | None
    source: str | None
    buyer_id: str | None
    payments: frozenset[UUID] = frozenset()
    rows: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def opened(self, payer: Mapping[str, Any], payment_id: UUID) -> dict[str, Any] | str:
        """The fields of a sealed payer, or why they cannot be read."""
        if self.known is None:
            return LOST
        if self.known.key is None:
            return ERASED
        return open_person(self.known.key, SealedPerson.model_validate_json(_json(payer)), payment_id)


async def find_person(
    pool: asyncpg.Pool, subjects: Subjects, subject: UUID | None, source: str | None, buyer_id: str | None
) -> Person:
    """The person of this subject, or of this publisher's buyer.

    Raises:
        StoreError: PostgreSQL failed, or a key does not open.
    """
    if subject is None and source is not None and buyer_id is not None:
        subject = await subjects.find(source, buyer_id)
    if subject is None:
        return Person(None, None, source, buyer_id)
    known = (await subjects.known([subject])).get(subject)
    rows = tuple([row[0] for row in await pool.fetch(statement("payments/of_subjects"), [subject])])
    payments = frozenset(UUID(row["payment_id"]) for row in rows)
    person = Person(subject, known, source, buyer_id, payments, rows)
    if known is None or known.key is None or source is not None or not rows:
        return person
    first = rows[0]
    told = person.opened({"subject": str(subject), "sealed": first["payer"]}, UUID(first["payment_id"]))
    if not isinstance(told, dict):
        return person
    return Person(subject, known, told["source"], told["buyer_id"], payments, rows)


def _json(payer: Mapping[str, Any]) -> str:
    return SealedPerson(subject=UUID(str(payer["subject"])), sealed=payer["sealed"]).model_dump_json()
