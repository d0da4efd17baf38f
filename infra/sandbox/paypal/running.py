"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

import ssl
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.clock import SandboxClock
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.paypal.admin import Admin
from infra.sandbox.paypal.books import Books
from infra.sandbox.paypal.call import Place
from infra.sandbox.paypal.calling import Caller
from infra.sandbox.paypal.faults import FaultOrder, FaultPlan, parse_fault
from infra.sandbox.paypal.performing import Performer
from infra.sandbox.paypal.server import PaypalServer, Told
from infra.sandbox.paypal.signing import new_signer
from infra.sandbox.paypal.store import Callbacks, Store
from infra.sandbox.paypal.vaulting import seed_vault
from infra.sandbox.serving import HOST, as_block, as_line, listening, serve_until_stopped


@dataclass(frozen=True, slots=True)
class PaypalSandbox:
    """A running sandbox.

    Attributes:
        base_url: of the API, plain HTTP.
        tls_base_url: the same over HTTPS; the payer's pages are there.
        ca_file: the authority of its certificates, both of TLS and of what its calls are signed with.
        told: its last answers.
    """

    base_url: str
    tls_base_url: str
    ca_file: Path
    store: Store
    books: Books
    faults: FaultPlan
    clock: SandboxClock
    caller: Caller
    performer: Performer
    told: deque[Told]

    async def advance(self, seconds: float = 0) -> None:
        """Put the clock ahead. When this returns, everything that fell due has happened, and its calls are answered."""
        await self.caller.advance(seconds)

    async def approve(self, thing_id: str, funding: str = "balance") -> str:
        """The payer of an order, a subscription or a setup token agrees; where their browser would be sent.

        Raises:
            ValueError: nothing of this id waits for its payer, or nobody can pay with that.
        """
        sent_to = await self.performer.approve(thing_id, funding)
        self.caller.wake()
        return sent_to

    @property
    def client_id(self) -> str:
        return self.store.client_id

    @property
    def client_secret(self) -> str:
        return self.store.client_secret

    @property
    def webhook_id(self) -> str:
        return self.store.webhook_id

    @property
    def admin_url(self) -> str:
        return self.base_url + ADMIN_PREFIX


@asynccontextmanager
async def running_paypal_sandbox(
    *,
    port: int = 0,
    tls_port: int = 0,
    books: Books | Path | str = ":memory:",
    store: Store | None = None,
    faults: Iterable[FaultOrder] = (),
    seed: int = 0,
    clock: SandboxClock | None = None,
) -> AsyncIterator[PaypalSandbox]:
    """Serve PayPal's API on the loopback until the block ends.

    Ports 0 take free ones. `books` is a file to open (and close at the end), or open Books of the caller's, which must
    then read `clock`. `store` may be changed while it is served.
    """
    clock, store = clock or SandboxClock(), store or Store()
    async with AsyncExitStack() as stack:
        shelf = books if isinstance(books, Books) else stack.enter_context(Books(books, now_ms=clock.now_ms))
        await shelf.run(lambda connection: seed_vault(connection, clock.now_ms()))
        authority = trustme.CA()
        place = Place(new_signer(authority, store.certificate_name))
        plan: FaultPlan = FaultPlan(faults, seed=seed)
        performer = Performer(shelf, store, place)
        caller = await stack.enter_async_context(Caller(shelf, store, clock, place=place, settle=performer.settle))
        misbehaving = Misbehaving(clock)
        admin = Admin(shelf, performer, plan, clock=clock, caller=caller, misbehaving=misbehaving)
        server = PaypalServer(performer, plan, caller, admin, misbehaving)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paypal-sandbox-")))
        ports = ((port, None), (tls_port, _throwaway_tls(authority, directory)))
        bound, bound_tls = await stack.enter_async_context(listening(server.handle, *ports))
        stack.callback(misbehaving.stop)
        place.api, place.pages = f"http://{HOST}:{bound}", f"https://{HOST}:{bound_tls}"
        yield PaypalSandbox(
            *(place.api, place.pages, directory / "ca.pem", store, shelf, plan, clock, caller, performer, server.told)
        )


def run_paypal_sandbox(
    port: int = 0,
    books: str = ":memory:",
    faults: Sequence[str] = (),
    *,
    tls_port: int = 0,
    json: bool = False,
    seed: int = 0,
    callbacks: Callbacks | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Prints addresses and keys first, as a block or (`json`) as one line.

    Raises:
        ValueError: a fault that cannot be read.
        OSError: a port is taken, or the books cannot be opened.
    """
    orders = [parse_fault(fault) for fault in faults]
    store = Store(callbacks=callbacks or Callbacks())
    sandbox = running_paypal_sandbox(port=port, tls_port=tls_port, books=books, store=store, faults=orders, seed=seed)
    serve_until_stopped(sandbox, _as_line if json else _as_block)


def _throwaway_tls(authority: trustme.CA, directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    return context


def _as_line(sandbox: PaypalSandbox) -> str:
    told = {
        "base_url": sandbox.base_url,
        "tls_base_url": sandbox.tls_base_url,
        "ca_file": str(sandbox.ca_file),
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "webhook_id": sandbox.webhook_id,
        "admin_url": sandbox.admin_url,
        "books": sandbox.books.path,
    }
    return as_line(told)


def _as_block(sandbox: PaypalSandbox) -> str:
    told = {
        "base URL": sandbox.base_url,
        "pages": sandbox.tls_base_url,
        "CA certificate": str(sandbox.ca_file),
        "client id": sandbox.client_id,
        "client secret": sandbox.client_secret,
        "webhook id": sandbox.webhook_id,
        "books": sandbox.books.path,
        "orders": f"{sandbox.admin_url}books, events, faults, settings, clock, approvals, decisions, tokens",
    }
    return as_block("paypal sandbox", told)
