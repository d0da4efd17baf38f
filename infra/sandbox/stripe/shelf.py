"""One account's objects in the books, and what is to fall due with them."""

import json
import secrets
import sqlite3
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from infra.sandbox.stripe.refusing import Refused, missing

Document = dict[str, Any]
"""An object as Stripe gives it; members whose names begin with an underscore are the sandbox's own."""

_ALPHABET: Final = string.ascii_letters + string.digits
_LONGEST_ID: Final = 24


def new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_LONGEST_ID))


@contextmanager
def undoing(connection: sqlite3.Connection) -> Iterator[None]:
    """What is written within the block is undone when it ends with a refusal."""
    connection.execute("SAVEPOINT begun")
    try:
        yield
    except Refused:
        connection.execute("ROLLBACK TO begun")
        raise
    finally:
        connection.execute("RELEASE begun")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for; `created` are bounds by `gt`, `gte`, `lt`, `lte` of a member."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    bounds: tuple[tuple[str, str, int], ...] = ()


_BOUNDS: Final[Mapping[str, str]] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Shelf:
    """Documents of one account; `now_s` is the moment of the request."""

    def __init__(self, connection: sqlite3.Connection, account: str, now_ms: int) -> None:
        self.connection = connection
        self.account = account
        self.now_ms = now_ms
        self.now_s = now_ms // 1000

    def add(self, document: Document) -> Document:
        self.connection.execute(
            "INSERT INTO document (account, id, kind, created, body) VALUES (?, ?, ?, ?, ?)",
            (self.account, document["id"], document["object"], document["created"], json.dumps(document)),
        )
        return document

    def save(self, document: Document) -> Document:
        self.connection.execute(
            "UPDATE document SET body = ? WHERE account = ? AND id = ?",
            (json.dumps(document), self.account, document["id"]),
        )
        return document

    def find(self, identifier: str, kind: str | None = None) -> Document | None:
        row = self.connection.execute(
            "SELECT body FROM document WHERE account = ? AND id = ? AND kind = coalesce(?, kind)",
            (self.account, identifier, kind),
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def known(self, kind: str, identifier: str) -> Document:
        """An object that must be there, since another one names it."""
        found = self.find(identifier, kind)
        if found is None:
            raise LookupError(f"{kind} {identifier} is not in the books")
        return found

    def get(self, kind: str, identifier: str, param: str) -> Document:
        """An object that a request names.

        Raises:
            Refused: there is none of this id.
        """
        found = self.find(identifier, kind)
        if found is None:
            raise missing(kind, identifier, param)
        return found

    def every(self, kind: str, **equal: Any) -> list[Document]:
        """All with these members, the newest first."""
        return self.page(kind, Page(limit=-1), **equal)[0]

    def page(self, kind: str, page: Page, **equal: Any) -> tuple[list[Document], bool]:
        """One part of a list, the newest first, and whether there is more of it.

        Raises:
            Refused: the cursor names nothing.
        """
        where = ["account = ?", "kind = ?"]
        values: list[Any] = [self.account, kind]
        for name, value in equal.items():
            if value is not None:
                where.append(f"json_extract(body, '$.{name}') = ?")
                values.append(value)
        for name, word, bound in page.bounds:
            where.append(f"json_extract(body, '$.{name}') {_BOUNDS[word]} ?")
            values.append(bound)
        before = page.ending_before is not None
        cursor = page.ending_before or page.starting_after
        if cursor is not None:
            where.append(f"position {'>' if before else '<'} ?")
            values.append(self._position(kind, cursor, "ending_before" if before else "starting_after"))
        most = -1 if page.limit < 0 else page.limit + 1
        statement = (  # names of our own members; every value is a parameter
            f"SELECT body FROM document WHERE {' AND '.join(where)} "  # noqa: S608
            f"ORDER BY position {'ASC' if before else 'DESC'} LIMIT ?"
        )
        rows = [json.loads(row[0]) for row in self.connection.execute(statement, (*values, most))]
        more = page.limit >= 0 and len(rows) > page.limit
        rows = rows[: page.limit] if more else rows
        return (rows[::-1] if before else rows), more

    def falls_due(self, what: str, about: str, after_s: float) -> None:
        self.connection.execute(
            "INSERT INTO due (account, what, about, at_ms) VALUES (?, ?, ?, ?)",
            (self.account, what, about, self.now_ms + round(after_s * 1000)),
        )

    def never_due(self, what: str, about: str) -> None:
        self.connection.execute(
            "DELETE FROM due WHERE account = ? AND what = ? AND about = ?", (self.account, what, about)
        )

    def _position(self, kind: str, identifier: str, param: str) -> int:
        row = self.connection.execute(
            "SELECT position FROM document WHERE account = ? AND id = ? AND kind = ?", (self.account, identifier, kind)
        ).fetchone()
        if row is None:
            raise missing(kind, identifier, param)
        return int(row[0])
