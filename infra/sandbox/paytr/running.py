"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.clock import SandboxClock
from infra.sandbox.exact_json import to_json
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.paytr.admin import Admin
from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.calling import Caller
from infra.sandbox.paytr.faults import FaultOrder, FaultPlan, parse_fault
from infra.sandbox.paytr.performing import Performer
from infra.sandbox.paytr.server import ADMIN_PREFIX, PaytrServer
from infra.sandbox.paytr.store import Callbacks, Store
from infra.sandbox.paytr.stored_cards import seed_wallet
from infra.sandbox.serving import HOST, as_block, listening, serve_until_stopped


@dataclass(frozen=True, slots=True)
class PaytrSandbox:
    """A running sandbox."""

    base_url: str
    store: Store
    books: Books
    faults: FaultPlan
    clock: SandboxClock
    caller: Caller

    async def advance(self, seconds: float = 0) -> None:
        """Put the clock ahead. When this returns, everything that fell due has happened, and its calls are answered."""
        await self.caller.advance(seconds)

    @property
    def merchant_id(self) -> str:
        return self.store.keys.merchant_id

    @property
    def merchant_key(self) -> str:
        return self.store.keys.merchant_key

    @property
    def merchant_salt(self) -> str:
        return self.store.keys.merchant_salt

    @property
    def admin_url(self) -> str:
        return self.base_url + ADMIN_PREFIX


@asynccontextmanager
async def running_paytr_sandbox(
    *,
    port: int = 0,
    books: Books | Path | str = ":memory:",
    store: Store | None = None,
    faults: Iterable[FaultOrder] = (),
    seed: int = 0,
    clock: SandboxClock | None = None,
) -> AsyncIterator[PaytrSandbox]:
    """Serve PayTR's API on the loopback until the block ends.

    Port 0 takes a free one. `books` is a file to open (and close at the end), or open Books of the caller's, which must
    then read `clock`. `store` may be changed while it is served.
    """
    clock = clock or SandboxClock()
    async with AsyncExitStack() as stack:
        shelf = books if isinstance(books, Books) else stack.enter_context(Books(books, now_ms=clock.now_ms))
        await shelf.run(seed_wallet)
        plan: FaultPlan = FaultPlan(faults, seed=seed)
        performer = Performer(shelf, store or Store())
        caller = await stack.enter_async_context(Caller(shelf, performer.store, clock, performer.settle))
        misbehaving = Misbehaving(clock)
        admin = Admin(shelf, performer.store, plan, clock=clock, caller=caller, misbehaving=misbehaving)
        server = PaytrServer(performer, plan, caller, admin, misbehaving)
        (bound,) = await stack.enter_async_context(listening(server.handle, (port, None)))
        stack.callback(misbehaving.stop)
        yield PaytrSandbox(f"http://{HOST}:{bound}", performer.store, shelf, plan, clock, caller)


def run_paytr_sandbox(
    port: int = 0,
    books: str = ":memory:",
    faults: Sequence[str] = (),
    *,
    json: bool = False,
    seed: int = 0,
    callbacks: Callbacks | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Prints address and keys first, as a block or (`json`) as one line.

    Raises:
        ValueError: a fault that cannot be read.
        OSError: the port is taken, or the books cannot be opened.
    """
    orders = [parse_fault(fault) for fault in faults]
    store = Store(callbacks=callbacks or Callbacks())
    sandbox = running_paytr_sandbox(port=port, books=books, store=store, faults=orders, seed=seed)
    serve_until_stopped(sandbox, _as_line if json else _as_block)


def _as_line(sandbox: PaytrSandbox) -> str:
    told = {
        "base_url": sandbox.base_url,
        "merchant_id": sandbox.merchant_id,
        "merchant_key": sandbox.merchant_key,
        "merchant_salt": sandbox.merchant_salt,
        "admin_url": sandbox.admin_url,
        "books": sandbox.books.path,
        "pid": os.getpid(),
    }
    return to_json(told) + "\n"


def _as_block(sandbox: PaytrSandbox) -> str:
    told = {
        "base URL": sandbox.base_url,
        "merchant id": sandbox.merchant_id,
        "merchant key": sandbox.merchant_key,
        "merchant salt": sandbox.merchant_salt,
        "books": sandbox.books.path,
        "orders": f"{sandbox.admin_url}books, faults, settings, clock, callbacks",
    }
    return as_block("paytr sandbox", told)
