"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.clock import SandboxClock
from infra.sandbox.iyzico.admin import Admin
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.buyer import Buyer
from infra.sandbox.iyzico.card_storage import seed_wallet
from infra.sandbox.iyzico.faults import FaultOrder, FaultPlan, parse_fault
from infra.sandbox.iyzico.notifying import Notifier, Notifying
from infra.sandbox.iyzico.orders import Orders
from infra.sandbox.iyzico.pages import Pages
from infra.sandbox.iyzico.performing import Performer
from infra.sandbox.iyzico.server import IyzicoServer
from infra.sandbox.iyzico.signing import DEFAULT_KEYS, Keys
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.serving import HOST, as_block, as_line, listening, serve_until_stopped


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
    clock = SandboxClock()
    async with AsyncExitStack() as stack:
        shelf = books if isinstance(books, Books) else stack.enter_context(Books(books, now_ms=clock.now_ms))
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
        misbehaving = Misbehaving(clock)
        admin = Admin(shelf, plan, Orders(buyer), misbehaving)
        server = IyzicoServer(performer, plan, admin, Pages(buyer), misbehaving)
        ports: list[tuple[int, ssl.SSLContext | None]] = [(port, None)]
        ca_pem_path = None
        if tls:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="iyzico-sandbox-")))
            context, ca_pem_path = _throwaway_tls(directory)
            ports.append((tls_port, context))
        bound = await stack.enter_async_context(listening(server.handle, *ports))
        stack.callback(misbehaving.stop)
        tls_base_url = f"https://{HOST}:{bound[1]}" if tls else None
        yield Sandbox(
            f"http://{HOST}:{bound[0]}", tls_base_url, ca_pem_path, keys.api_key, keys.secret_key, shelf, plan
        )


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

    sandbox = running_sandbox(
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
    )
    serve_until_stopped(sandbox, _as_line if json else _as_block)


def _throwaway_tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    path = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, path


def _as_line(sandbox: Sandbox) -> str:
    told = {
        "base_url": sandbox.base_url,
        "tls_base_url": sandbox.tls_base_url,
        "ca_pem_path": str(sandbox.ca_pem_path) if sandbox.ca_pem_path else None,
        "api_key": sandbox.api_key,
        "secret_key": sandbox.secret_key,
        "admin_url": sandbox.admin_url,
        "books": sandbox.books.path,
    }
    return as_line(told)


def _as_block(sandbox: Sandbox) -> str:
    told = {
        "base URL": sandbox.base_url,
        "TLS URL": sandbox.tls_base_url or "off",
        "CA certificate": str(sandbox.ca_pem_path or "none"),
        "API key": sandbox.api_key,
        "secret key": sandbox.secret_key,
        "books": sandbox.books.path,
        "faults, books": f"{sandbox.admin_url}faults, {sandbox.admin_url}books",
    }
    return as_block("iyzico sandbox", told)
