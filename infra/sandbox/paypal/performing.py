"""From a received request to its answer: token, request id, the operation in the books. No faults, no sockets."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from infra.sandbox.paypal.approving import agree, awaited
from infra.sandbox.paypal.books import Books
from infra.sandbox.paypal.call import Answer, Call, Place, refused
from infra.sandbox.paypal.faults import FAULTS, Fault
from infra.sandbox.paypal.refusing import Json, Refused, invalid
from infra.sandbox.paypal.request_ids import keep, repeated, require_id
from infra.sandbox.paypal.routes import Found, find_route
from infra.sandbox.paypal.settling import of_clock, settle_due
from infra.sandbox.paypal.store import Store
from infra.sandbox.paypal.tokens import PATH as TOKEN
from infra.sandbox.paypal.tokens import bearer_of, require_token, revoke_tokens
from infra.sandbox.paypal.walking import PAGES, Leave, Page, walk
from infra.sandbox.used_markers import use_marker

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as its bytes arrived; the names of headers in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request to a served path, not looked at yet."""

    found: Found
    received: Received
    call: Call

    @property
    def template(self) -> str:
        return self.found.template

    @property
    def key(self) -> tuple[str, str, str] | None:
        """What may not be performed twice at once; none where a request id does not count."""
        if self.found.route.kept_s is None or self.call.request_id is None:
            return None
        return self.received.method, self.received.path, self.call.request_id


class Performer:
    """One merchant's view of PayPal over one set of books."""

    def __init__(self, books: Books, store: Store, place: Place) -> None:
        self._books = books
        self.store = store
        self.place = place

    def accept(self, received: Received) -> Accepted | None:
        """Find what a path does; `None` where nothing is served."""
        found = find_route(received.method, received.path)
        if found is None:
            return None
        body = _form(received.body) if found.template == TOKEN else {}
        return Accepted(found, received, self._call(received, body, found.names))

    async def perform(self, accepted: Accepted, fault: Fault | None = None) -> Answer:
        """Run the operation; a refusal is an answer too, and leaves nothing else in the books."""

        def step(connection: sqlite3.Connection) -> Answer:
            now_ms = self._books.now_ms()
            settle_due(connection, self.store, self.place, now_ms)
            connection.execute("SAVEPOINT operation")
            try:
                return self._run(connection, replace(accepted.call, now_ms=now_ms, fault=fault), accepted)
            except Refused as error:
                connection.execute("ROLLBACK TO operation")
                answer = refused(error)
                if error.name == "UNPROCESSABLE_ENTITY":
                    keep(connection, _with_body(accepted, now_ms), accepted.found.route, answer)
                return answer
            finally:
                connection.execute("RELEASE operation")

        return await self._books.run(step)

    async def walk(self, received: Received) -> Page | Leave | None:
        """Show or use one of the payer's pages; `None` where there is none."""
        if received.path not in PAGES or received.method not in {"GET", "POST"}:
            return None
        call = self._call(received, _form(received.body), {})

        def step(connection: sqlite3.Connection) -> Page | Leave:
            now_ms = self._books.now_ms()
            settle_due(connection, self.store, self.place, now_ms)
            return walk(connection, replace(call, now_ms=now_ms))

        return await self._books.run(step)

    async def approve(self, thing_id: str, funding: str) -> str:
        """The payer agrees without a browser; where it would be sent.

        Raises:
            ValueError: nothing of this id waits for its payer, or nobody can pay with that.
        """

        def step(connection: sqlite3.Connection) -> str:
            now_ms = self._books.now_ms()
            settle_due(connection, self.store, self.place, now_ms)
            thing = awaited(connection, thing_id)
            if thing is None:
                raise ValueError(f"nothing of the id {thing_id} waits for its payer")
            return agree(connection, of_clock(self.store, self.place, now_ms), thing, funding)

        return await self._books.run(step)

    async def settle(self) -> None:
        """Let happen what is due."""
        await self._books.run(lambda c: settle_due(c, self.store, self.place, self._books.now_ms()))

    async def marked(self, accepted: Accepted) -> Fault | None:
        """The fault that the first unit's description orders, the first time that it does.

        Raises:
            ValueError: it names a kind that does not exist.
        """
        name = _description(accepted)
        fault = FAULTS.marked(name)
        if fault is None or name is None:
            return None
        return fault if await self._books.run(partial(use_marker, name=name)) else None

    async def revoke(self, accepted: Accepted) -> None:
        """The call's own token counts no more."""
        token = bearer_of(accepted.call)
        await self._books.run(lambda connection: revoke_tokens(connection, self._books.now_ms(), token))

    def _run(self, connection: sqlite3.Connection, call: Call, accepted: Accepted) -> Answer:
        route = accepted.found.route
        if accepted.template == TOKEN:
            return route.operation(connection, call)
        require_token(connection, call)
        call = replace(call, body=read_body(accepted))
        require_id(call, route)
        before = repeated(connection, call, route)
        if before is not None:
            return before
        answer = route.operation(connection, call)
        keep(connection, call, route, answer)
        return answer

    def _call(self, received: Received, body: Json, names: Mapping[str, str]) -> Call:
        head = (received.method, received.path, names, received.query, received.headers)
        return Call(*head, body, self._books.now_ms(), self.store, self.place)


def read_body(accepted: Accepted) -> Any:
    """The JSON that was sent; an empty object where there was nothing.

    Raises:
        Refused: it is none, or was not said to be JSON.
    """
    received = accepted.received
    if received.method in {"POST", "PATCH", "PUT"} and accepted.found.route.takes_body:
        kind = received.headers.get("content-type", "").partition(";")[0].strip()
        if kind != _JSON:
            raise Refused("UNSUPPORTED_MEDIA_TYPE")
    if not received.body:
        return {}
    try:
        found = json.loads(received.body)
    except ValueError:
        raise invalid("MALFORMED_REQUEST_JSON", "/") from None
    if not isinstance(found, dict | list):
        raise invalid("MALFORMED_REQUEST_JSON", "/")
    return found


def _with_body(accepted: Accepted, now_ms: int) -> Call:
    return replace(accepted.call, body=read_body(accepted), now_ms=now_ms)


def _form(body: bytes) -> dict[str, Any]:
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}


def _description(accepted: Accepted) -> str | None:
    if accepted.template != "/v2/checkout/orders":
        return None
    try:
        found = json.loads(accepted.received.body)["purchase_units"][0].get("description")
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return found if isinstance(found, str) else None
