"""From a received request to its answer: key, limits, parameters, idempotency, the operation in the books.

No faults at the socket, and no sockets.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from infra.sandbox.stripe.account import Account
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.faults import FAULTS, Fault
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.form import Nested, read_form
from infra.sandbox.stripe.idempotency import Kept, asked_with, in_use, keep, kept_under, require_key
from infra.sandbox.stripe.instead import instead_of, replaced
from infra.sandbox.stripe.limits import Limits
from infra.sandbox.stripe.pages import Leave, Shown, over
from infra.sandbox.stripe.received import Received, account_of, parameters_of, require_version
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.rendering import bare, render
from infra.sandbox.stripe.route import Route
from infra.sandbox.stripe.routes import PAGES, route_of
from infra.sandbox.stripe.settling import settle_due
from infra.sandbox.stripe.shelf import Shelf, new_id, undoing
from infra.sandbox.used_markers import use_marker


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request of an account that can be performed."""

    route: Route
    account: str
    path: str
    identifier: str
    origin: str
    parameters: Nested
    request_id: str
    key: str | None = None

    @property
    def words(self) -> str:
        return asked_with(self.route.method, self.path, self.parameters)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Performer:
    """All accounts' view of Stripe over one set of books."""

    def __init__(self, books: Books, account: Account) -> None:
        self._books = books
        self.account = account
        self._limits = Limits()
        self._running: dict[tuple[str, str], Asked] = {}

    def accept(self, received: Received, request_id: str) -> Asked:
        """The request behind the bytes.

        Raises:
            Refused: the key is wrong, the path unknown, there are too many requests, or the parameters are wrong.
        """
        account = account_of(received, self.account)
        require_version(received)
        found = route_of(received.method, received.path)
        if found is None:
            message = f"Unrecognized request URL ({received.method}: {received.path})."
            raise Refused(message, status=HTTPStatus.NOT_FOUND, executed=False)
        route, identifier = found
        how, now_ms = self.account, self._books.now_ms()
        self._limits.take(account, route.endpoint, now_ms, whole=how.account_rate, each=how.endpoint_rate)
        parameters = parameters_of(received)
        Fields(parameters).only((*route.parameters, "expand"))
        key = received.headers.get("idempotency-key") if received.method == "POST" else None
        if key is not None:
            require_key(key)
        return Asked(route, account, received.path, identifier, received.origin, parameters, request_id, key)

    async def claim(self, asked: Asked) -> Reply | None:
        """Take the request's key until `release`; or give the answer that is kept under it.

        Raises:
            Refused: a request with this key still runs, or the key was used for something else.
        """
        if asked.key is None:
            return None
        place = (asked.account, asked.key)
        if place in self._running:
            raise in_use()
        self._running[place] = asked
        try:
            kept = await self._books.run(partial(self._kept, asked=asked, key=asked.key))
        except Refused:
            self.release(asked)
            raise
        return None if kept is None else _again(kept)

    def release(self, asked: Asked) -> None:
        """The request has been answered; may be called twice."""
        place = (asked.account, asked.key or "")
        if self._running.get(place) is asked:
            del self._running[place]

    async def perform(self, asked: Asked, fault: Fault | None = None) -> Reply:
        """Run the operation and keep its answer under the key, in one commit. A refusal is an answer too."""
        refused = instead_of(fault)
        if refused is not None and not refused.executed:
            return answer_of(refused)
        return await self._books.run(partial(self._step, asked=asked, fault=fault, refused=refused))

    async def walk(self, received: Received) -> Shown | Leave | None:
        """Show or use one of the buyer's pages; `None` where there is none."""
        front, _, rest = received.path.removeprefix("/").partition("/")
        page = PAGES.get((received.method, front))
        if page is None:
            return None
        identifier = rest.partition("/")[0]

        def step(connection: sqlite3.Connection) -> Shown | Leave | None:
            self._settle(connection)
            row = connection.execute("SELECT account FROM document WHERE id = ?", (identifier,)).fetchone()
            if row is None:
                return None
            shelf = Shelf(connection, row[0], self._books.now_ms())
            form = Fields(read_form(received.body.decode("utf-8", "replace")))
            try:
                with undoing(connection):
                    return page(Call(shelf, self.account, form, identifier, received.origin, received.path))
            except Refused as refused:
                return over(str(refused))

        return await self._books.run(step)

    async def settle(self) -> None:
        """Let happen what is due."""
        await self._books.run(self._settle)

    async def marked(self, asked: Asked) -> Fault | None:
        """The fault that the order's name orders, the first time that it does.

        Raises:
            ValueError: it names a kind that does not exist.
        """
        metadata = asked.parameters.get("metadata")
        name = metadata.get("order_id") if isinstance(metadata, dict) and asked.route.method == "POST" else None
        fault = FAULTS.marked(name)
        if fault is None or not isinstance(name, str):
            return None
        return fault if await self._books.run(partial(use_marker, name=name)) else None

    def _kept(self, connection: sqlite3.Connection, asked: Asked, key: str) -> Kept | None:
        shelf = Shelf(connection, asked.account, self._books.now_ms())
        return kept_under(shelf, key, asked.words, self.account.kept_s)

    def _step(
        self, connection: sqlite3.Connection, asked: Asked, fault: Fault | None, refused: Refused | None
    ) -> Reply:
        self._settle(connection)
        shelf = Shelf(connection, asked.account, self._books.now_ms())
        executed = True
        if refused is None:
            reply, executed = _performed(self._call(shelf, asked, fault), asked)
            refused = replaced(fault) if executed else None
        if refused is not None:
            reply = answer_of(refused)
        if asked.key is not None and executed:
            keep(shelf, asked.key, asked.words, Kept(reply.status, reply.body, asked.request_id))
        return reply

    def _call(self, shelf: Shelf, asked: Asked, fault: Fault | None) -> Call:
        return Call(
            shelf,
            self.account,
            Fields(asked.parameters),
            asked.identifier,
            asked.origin,
            asked.path,
            asked.request_id,
            asked.key,
            fault,
        )

    def _settle(self, connection: sqlite3.Connection) -> None:
        settle_due(connection, self.account, self._books.now_ms())


def answer_of(refused: Refused) -> Reply:
    """The error as it is sent."""
    error = {name: bare(value) if isinstance(value, dict) else value for name, value in refused.error.items()}
    return Reply(refused.status, json.dumps({"error": error}, indent=2, ensure_ascii=False), refused.headers)


def request_id() -> str:
    return new_id("req_")[:18]


def _performed(call: Call, asked: Asked) -> tuple[Reply, bool]:
    """The operation's answer, and whether it was begun; what a raised refusal had written is undone."""
    try:
        with undoing(call.shelf.connection):
            result = asked.route.operation(call)
            if isinstance(result, Refused):
                return answer_of(result), True
            shown = render(result, call.shelf, call.fields.texts("expand"))
            return Reply(HTTPStatus.OK, json.dumps(shown, indent=2, ensure_ascii=False)), True
    except Refused as refused:
        return answer_of(refused), refused.executed


def _again(kept: Kept) -> Reply:
    headers = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
    if kept.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        headers["Stripe-Should-Retry"] = "false"
    return Reply(kept.status, kept.body, headers)
