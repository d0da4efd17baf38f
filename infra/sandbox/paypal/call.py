"""One request as an operation sees it, and what an operation may answer."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.sandbox.paypal.faults import Fault
from infra.sandbox.paypal.records import Kind, Resource
from infra.sandbox.paypal.refusing import Json, Refused, invalid, not_permitted
from infra.sandbox.paypal.signing import Signer
from infra.sandbox.paypal.store import Store


@dataclass(slots=True)
class Place:
    """Where the sandbox is called, and where its pages are: known once it listens; and what signs its calls.

    Attributes:
        api: of links and of the certificate.
        pages: of what a payer's browser opens; HTTPS, as PayPal's.
    """

    signer: Signer
    api: str = ""
    pages: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; `about` is what a repeat under the same request id is answered with, as it stands by then."""

    status: int
    body: Json | None = None
    about: tuple[Kind, str] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`names` are the ids in the path; `body` is what the JSON says, an empty object where there was none."""

    method: str
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json
    now_ms: int
    store: Store
    place: Place
    fault: Fault | None = None

    @property
    def full(self) -> bool:
        """Whether the whole of a thing is to be answered."""
        return "return=representation" in self.headers.get("prefer", "")

    @property
    def request_id(self) -> str | None:
        return self.headers.get("paypal-request-id")

    def need(self, permission: str) -> None:
        """Raise unless the account may do it.

        Raises:
            Refused: it may not.
        """
        if permission not in self.store.permissions:
            raise not_permitted()

    def text(self, name: str, longest: int, *, least: int = 1) -> str:
        """A text that must be there.

        Raises:
            Refused: it is missing, no text, too short or too long.
        """
        value = self.body.get(name)
        if value is None:
            raise invalid("MISSING_REQUIRED_PARAMETER", f"/{name}")
        if not isinstance(value, str):
            raise invalid("INVALID_PARAMETER_SYNTAX", f"/{name}")
        if not least <= len(value) <= longest:
            raise invalid("INVALID_STRING_LENGTH", f"/{name}")
        return value

    def link(self, rel: str, path: str, method: str = "GET") -> Json:
        return {"href": f"{self.place.api}{path}", "rel": rel, "method": method}

    def page_link(self, rel: str, path: str) -> Json:
        return {"href": f"{self.place.pages}{path}", "rel": rel, "method": "GET"}


Operation = Callable[[sqlite3.Connection, Call], Answer]
View = Callable[[sqlite3.Connection, Call, Resource], Json | None]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API.

    Attributes:
        view: of the thing that a repeat is answered with.
        kept_s: for how long a request id counts; none for one that is not looked at.
        needs_id: it is refused without a request id.
        strict: another body under a known request id is refused, whatever the store says.
        takes_body: it is refused without a content type.
    """

    operation: Operation
    view: View | None = None
    kept_s: float | None = None
    needs_id: bool = False
    strict: bool = False
    takes_body: bool = True


def moment(ms: int) -> str:
    """A time as PayPal writes it: RFC 3339, in UTC, whole seconds."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(body: Mapping[str, Any]) -> Json:
    """A thing without what is the sandbox's own."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def refused(error: Refused) -> Answer:
    """A refusal that does not undo what was written."""
    return Answer(error.status, error.body())
