"""One request as an operation sees it, and what an operation may answer."""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.sandbox.paytr.faults import Fault
from infra.sandbox.paytr.refusing import Json, Refused
from infra.sandbox.paytr.signing import Form
from infra.sandbox.paytr.store import Store

_FLAG: Final = re.compile(r"[01]")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page for the buyer's browser.

    Attributes:
        merchant_oid: set where the browser goes back to the store, so that the store can be told before.
    """

    html: str
    merchant_oid: str | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """The buyer's browser is sent elsewhere, by a plain redirect; `merchant_oid` as in `Page`."""

    url: str
    merchant_oid: str | None = None


Result = Json | list[Json] | Page | Leave


@dataclass(frozen=True, slots=True)
class Call:
    """`origin` is where the sandbox was called, so that its pages can name each other."""

    form: Form
    now_ms: int
    store: Store
    origin: str
    fault: Fault | None = None
    page: str = ""  # the last part of a page's path

    def text(self, name: str, longest: int, *, err_no: str | None = None) -> str:
        """A field that must be there.

        Raises:
            Refused: it is missing, empty, or too long.
        """
        value = self.form.get(name, "")
        if not value or len(value) > longest:
            raise Refused(f"{name} gonderilmedi veya gecersiz", detail=f"en fazla {longest} karakter", err_no=err_no)
        return value

    def optional(self, name: str, longest: int) -> str:
        """A field that may be missing or empty.

        Raises:
            Refused: it is too long.
        """
        value = self.form.get(name, "")
        if len(value) > longest:
            raise Refused(f"{name} gecersiz", detail=f"en fazla {longest} karakter")
        return value

    def flag(self, name: str) -> bool:
        """0 or 1; missing and empty are 0.

        Raises:
            Refused: it is anything else.
        """
        value = self.form.get(name) or "0"
        if not _FLAG.fullmatch(value):
            raise Refused(f"{name} gecersiz", detail="0 veya 1")
        return value == "1"

    def number(self, name: str, least: int, most: int, *, default: int | None = None) -> int:
        """A whole number within bounds.

        Raises:
            Refused: it is missing without a default, no number, or out of bounds.
        """
        value = self.form.get(name, "")
        if not value and default is not None:
            return default
        if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
            raise Refused(f"{name} gecersiz", detail=f"{least} ile {most} arasinda tam sayi")
        return int(value)

    def need(self, permission: str) -> None:
        """Raise unless support has enabled it for the store.

        Raises:
            Refused: it is not enabled.
        """
        if permission not in self.store.permissions:
            raise Refused(f"Magaza bu islem icin yetkili degil: {permission}")


Operation = Callable[[sqlite3.Connection, Call], Result]
