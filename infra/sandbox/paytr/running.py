"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

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

HOST = "127.0.0.1"
_SHUTDOWN_S = 1.0


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
        # The access log is off: paths hold tokens; `server.py` logs what it knows to be harmless.
        runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(misbehaving.stop)
        await web.TCPSite(runner, HOST, port, backlog=1024).start()
        bound: tuple[str, int] = runner.addresses[-1]
        yield PaytrSandbox(f"http://{HOST}:{bound[1]}", performer.store, shelf, plan, clock, caller)


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

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        store = Store(callbacks=callbacks or Callbacks())
        async with running_paytr_sandbox(port=port, books=books, store=store, faults=orders, seed=seed) as sandbox:
            sys.stdout.write(_as_line(sandbox) if json else _as_block(sandbox))
            sys.stdout.flush()
            await stop.wait()

    asyncio.run(serve())


def _as_line(sandbox: PaytrSandbox) -> str:
    return (
        to_json(
            {
                "base_url": sandbox.base_url,
                "merchant_id": sandbox.merchant_id,
                "merchant_key": sandbox.merchant_key,
                "merchant_salt": sandbox.merchant_salt,
                "admin_url": sandbox.admin_url,
                "books": sandbox.books.path,
                "pid": os.getpid(),
            }
        )
        + "\n"
    )


def _as_block(sandbox: PaytrSandbox) -> str:
    rows = [
        ("base URL", sandbox.base_url),
        ("merchant id", sandbox.merchant_id),
        ("merchant key", sandbox.merchant_key),
        ("merchant salt", sandbox.merchant_salt),
        ("books", sandbox.books.path),
        ("orders", f"{sandbox.admin_url}books, faults, settings, clock, callbacks"),
    ]
    return "paytr sandbox\n" + "".join(f"  {name:<15} {value}\n" for name, value in rows)
