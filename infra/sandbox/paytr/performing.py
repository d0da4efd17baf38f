"""From a received request to its result: the store, the token, the operation in the books. No faults, no sockets."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.buyer import fault_of_basket
from infra.sandbox.paytr.call import Call, Operation, Result
from infra.sandbox.paytr.faults import Fault
from infra.sandbox.paytr.paying import settle_due
from infra.sandbox.paytr.refusing import Json, Refused
from infra.sandbox.paytr.routes import PAGES, SERVICES, Route
from infra.sandbox.paytr.signing import check_token
from infra.sandbox.paytr.store import Store
from infra.sandbox.paytr.transfers import settle_transfers

_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Received:
    """A request as its bytes arrived. `origin` is the scheme, host and port that it was sent to."""

    method: str
    path: str
    origin: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request to a known service."""

    path: str
    route: Route
    form: dict[str, str]
    origin: str

    @property
    def debug(self) -> bool:
        return self.form.get("debug_on") == "1"


class Performer:
    """One store's view of PayTR over one set of books."""

    def __init__(self, books: Books, store: Store) -> None:
        self._books = books
        self.store = store

    def accept(self, received: Received) -> Accepted | None:
        """Find the service for a path; `None` where there is none."""
        path = received.path.rstrip("/")
        route = SERVICES.get(path)
        if route is None or received.method != "POST":
            return None
        return Accepted(path, route, read_form(received.body), received.origin)

    def refuse(self, accepted: Accepted) -> Json | None:
        """The answer to a request that is not the store's: it is unknown or inactive, or the token does not fit."""
        try:
            self._check(accepted)
        except Refused as refused:
            return accepted.route.refusal(refused, debug=accepted.debug)
        return None

    async def perform(self, accepted: Accepted, fault: Fault | None = None) -> Result:
        """Run a service's operation; a refusal is a result too."""
        try:
            return await self._run(
                accepted.route.operation,
                lambda now_ms: Call(accepted.form, now_ms, self.store, accepted.origin, fault),
            )
        except Refused as refused:
            return accepted.route.refusal(refused, debug=accepted.debug)

    async def walk(self, received: Received) -> Result | None:
        """Show or use one of the buyer's pages; `None` where there is none."""
        front, _, token = received.path.rpartition("/")
        operation = PAGES.get((received.method, front))
        if operation is None or not token:
            return None
        form = read_form(received.body)
        return await self._run(operation, lambda now_ms: Call(form, now_ms, self.store, received.origin, page=token))

    async def settle(self) -> None:
        """Let happen what is due."""
        await self._books.run(self._settle)

    async def fault_of_basket(self, accepted: Accepted) -> Fault | None:
        """The fault that the basket's first line orders, the first time that it does.

        Raises:
            ValueError: it names a kind that does not exist.
        """
        found = fault_of_basket(accepted.path, accepted.form)
        if found is None:
            return None
        name, fault = found
        return fault if await self._books.run(_insert_marker(name)) else None

    def _check(self, accepted: Accepted) -> None:
        # The card vault's own services are signed without the store's number, and it is sent all the same.
        if accepted.form.get("merchant_id") != self.store.keys.merchant_id or not self.store.active:
            raise Refused("Gecersiz istek veya magaza aktif degil", err_no="001")
        check_token(accepted.path, accepted.form, self.store.keys)

    async def _run(self, operation: Operation, call: Callable[[int], Call]) -> Result:
        def step(connection: sqlite3.Connection) -> Result:
            self._settle(connection)
            return operation(connection, call(self._books.now_ms()))

        return await self._books.run(step)

    def _settle(self, connection: sqlite3.Connection) -> None:
        now_ms = self._books.now_ms()
        settle_due(connection, self.store, now_ms)
        settle_transfers(connection, self.store, now_ms)


def read_form(body: bytes) -> dict[str, str]:
    """A form's fields, the last of a name that stands twice, as PHP reads them; none where it is no form."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def _insert_marker(name: str) -> Callable[[sqlite3.Connection], bool]:
    def step(connection: sqlite3.Connection) -> bool:
        return connection.execute("INSERT OR IGNORE INTO used_marker (name) VALUES (?)", (name,)).rowcount == 1

    return step
