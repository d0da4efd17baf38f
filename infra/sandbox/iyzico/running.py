"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

import asyncio
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from aiohttp import web

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico.admin import Admin
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.buyer import Buyer
from infra.sandbox.iyzico.card_storage import seed_wallet
from infra.sandbox.iyzico.faults import FaultOrder, FaultPlan, parse_fault
from infra.sandbox.iyzico.notifying import Notifier, Notifying
from infra.sandbox.iyzico.orders import Orders
from infra.sandbox.iyzico.pages import Pages
from infra.sandbox.iyzico.performing import Performer
from infra.sandbox.iyzico.server import ADMIN_PREFIX, IyzicoServer
from infra.sandbox.iyzico.signing import DEFAULT_KEYS, Keys

HOST = "127.0.0.1"
_SHUTDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. The TLS fields are None when it serves plain HTTP alone."""

    base_url: str
    tls_base_url: str | None
    ca_pem_path: Path | None
    api_key: str
    secret_key: str
    books: Books
    faults: FaultPlan

    @property
    def admin_url(self) -> str:
        return self.base_url + ADMIN_PREFIX


@asynccontextmanager
async def running_sandbox(
    *,
    port: int = 0,
    books: Books | Path | str = ":memory:",
    tls: bool = False,
    tls_port: int = 0,
    keys: Keys = DEFAULT_KEYS,
    faults: Iterable[FaultOrder] = (),
    seed: int = 0,
    latency_ms: float = 0,
    failure_status: int = 200,
    rate_limit_per_minute: int | None = None,
    notifying: Notifying | None = None,
) -> AsyncIterator[Sandbox]:
    """Serve iyzico's API on the loopback until the block ends.

    Port 0 takes a free one. `books` is a file to open (and close at the end), or open Books of the caller's. With
    `tls` a second port serves the same over HTTPS with a certificate of a throwaway CA, whose PEM file is named by
    `ca_pem_path` for as long as the block lasts. `failure_status` is the HTTP status of refusals (200 or 400);
    `rate_limit_per_minute` counts per path. With `notifying` the merchant is called about its payments.
    """
    async with AsyncExitStack() as stack:
        shelf = books if isinstance(books, Books) else stack.enter_context(Books(books))
        await shelf.run(seed_wallet)
        plan = FaultPlan(faults, seed=seed)
        performer = Performer(
            shelf,
            keys,
            failure_status=failure_status,
            latency_ms=latency_ms,
            rate_limit_per_minute=rate_limit_per_minute,
        )
        if notifying is not None:
            notifier = await stack.enter_async_context(Notifier(keys, notifying, seed=seed))
            performer.tell = notifier.tell
        buyer = Buyer(performer, shelf, keys)
        server = IyzicoServer(performer, plan, Admin(shelf, plan, Orders(buyer)), Pages(buyer))
        # The access log is off: paths and queries belong to the caller; `server.py` logs what it knows to be harmless.
        runner = web.ServerRunner(web.Server(server.handle, access_log=None), shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(server.stop)
        base_url = f"http://{HOST}:{await _listen(runner, port, None)}"
        tls_base_url, ca_pem_path = None, None
        if tls:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iyzico-sandbox-")))
            context, ca_pem_path = _throwaway_tls(directory)
            tls_base_url = f"https://{HOST}:{await _listen(runner, tls_port, context)}"
        yield Sandbox(base_url, tls_base_url, ca_pem_path, keys.api_key, keys.secret_key, shelf, plan)


def run_iyzico_sandbox(
    port: int = 0,
    books: str = ":memory:",
    faults: Sequence[str] = (),
    tls: bool = False,
    *,
    tls_port: int = 0,
    json: bool = False,
    keys: Keys = DEFAULT_KEYS,
    seed: int = 0,
    latency_ms: float = 0,
    failure_status: int = 200,
    rate_limit_per_minute: int | None = None,
    notifying: Notifying | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Prints addresses and keys first, as a block or (`json`) as one line.

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
        async with running_sandbox(
            port=port,
            books=books,
            tls=tls,
            tls_port=tls_port,
            keys=keys,
            faults=orders,
            seed=seed,
            latency_ms=latency_ms,
            failure_status=failure_status,
            rate_limit_per_minute=rate_limit_per_minute,
            notifying=notifying,
        ) as sandbox:
            sys.stdout.write(_as_line(sandbox) if json else _as_block(sandbox))
            sys.stdout.flush()
            await stop.wait()

    asyncio.run(serve())


async def _listen(runner: web.ServerRunner, port: int, context: ssl.SSLContext | None) -> int:
    site = web.TCPSite(runner, HOST, port, ssl_context=context, backlog=1024)
    await site.start()
    address: tuple[str, int] = runner.addresses[-1]
    return address[1]


def _throwaway_tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    path = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, path


def _as_line(sandbox: Sandbox) -> str:
    return (
        to_json(
            {
                "base_url": sandbox.base_url,
                "tls_base_url": sandbox.tls_base_url,
                "ca_pem_path": str(sandbox.ca_pem_path) if sandbox.ca_pem_path else None,
                "api_key": sandbox.api_key,
                "secret_key": sandbox.secret_key,
                "admin_url": sandbox.admin_url,
                "books": sandbox.books.path,
                "pid": os.getpid(),
            }
        )
        + "\n"
    )


def _as_block(sandbox: Sandbox) -> str:
    rows = [
        ("base URL", sandbox.base_url),
        ("TLS URL", sandbox.tls_base_url or "off"),
        ("CA certificate", str(sandbox.ca_pem_path or "none")),
        ("API key", sandbox.api_key),
        ("secret key", sandbox.secret_key),
        ("books", sandbox.books.path),
        ("faults, books", f"{sandbox.admin_url}faults, {sandbox.admin_url}books"),
    ]
    return "iyzico sandbox\n" + "".join(f"  {name:<15} {value}\n" for name, value in rows)
