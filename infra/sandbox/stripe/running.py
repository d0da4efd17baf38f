"""Starting the sandbox: inside a test's event loop, or as a process of its own."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.clock import SandboxClock
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.serving import HOST, as_block, as_line, listening, serve_until_stopped
from infra.sandbox.stripe.account import Account, Webhooks
from infra.sandbox.stripe.admin import Admin
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.calling import Caller
from infra.sandbox.stripe.faults import FaultOrder, FaultPlan, parse_fault
from infra.sandbox.stripe.performing import Performer
from infra.sandbox.stripe.server import StripeServer


@dataclass(frozen=True, slots=True)
class StripeSandbox:
    """A running sandbox."""

    base_url: str
    account: Account
    books: Books
    faults: FaultPlan
    clock: SandboxClock
    caller: Caller

    async def advance(self, seconds: float = 0) -> None:
        """Put the clock ahead. When this returns, everything that fell due has happened, and its calls are answered."""
        await self.caller.advance(seconds)

    @property
    def secret_key(self) -> str:
        return self.account.secret_key

    @property
    def webhook_secret(self) -> str:
        return self.account.webhooks.secrets[0]

    @property
    def admin_url(self) -> str:
        return self.base_url + ADMIN_PREFIX


@asynccontextmanager
async def running_stripe_sandbox(
    *,
    port: int = 0,
    books: Books | Path | str = ":memory:",
    store: Account | None = None,
    faults: Iterable[FaultOrder] = (),
    seed: int = 0,
    clock: SandboxClock | None = None,
) -> AsyncIterator[StripeSandbox]:
    """Serve Stripe's API on the loopback until the block ends.

    Port 0 takes a free one. `books` is a file to open (and close at the end), or open Books of the caller's, which must
    then read `clock`. `store` may be changed while it is served.
    """
    clock = clock or SandboxClock()
    account = store or Account()
    async with AsyncExitStack() as stack:
        shelf = books if isinstance(books, Books) else stack.enter_context(Books(books, now_ms=clock.now_ms))
        plan: FaultPlan = FaultPlan(faults, seed=seed)
        performer = Performer(shelf, account)
        caller = await stack.enter_async_context(Caller(shelf, account, clock, performer.settle))
        misbehaving = Misbehaving(clock)
        admin = Admin(shelf, account, plan, clock=clock, caller=caller, misbehaving=misbehaving)
        server = StripeServer(performer, plan, caller, admin, misbehaving)
        (bound,) = await stack.enter_async_context(listening(server.handle, (port, None)))
        stack.callback(misbehaving.stop)
        yield StripeSandbox(f"http://{HOST}:{bound}", account, shelf, plan, clock, caller)


def run_stripe_sandbox(
    port: int = 0,
    books: str = ":memory:",
    faults: Sequence[str] = (),
    *,
    json: bool = False,
    seed: int = 0,
    webhooks: Webhooks | None = None,
    account_rate: int | None = None,
    endpoint_rate: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Prints address and keys first, as a block or (`json`) as one line.

    Raises:
        ValueError: a fault that cannot be read.
        OSError: the port is taken, or the books cannot be opened.
    """
    orders = [parse_fault(fault) for fault in faults]
    store = Account(webhooks=webhooks or Webhooks(), account_rate=account_rate, endpoint_rate=endpoint_rate)
    sandbox = running_stripe_sandbox(port=port, books=books, store=store, faults=orders, seed=seed)
    serve_until_stopped(sandbox, _as_line if json else _as_block)


def _as_line(sandbox: StripeSandbox) -> str:
    told = {
        "base_url": sandbox.base_url,
        "secret_key": sandbox.secret_key,
        "webhook_secret": sandbox.webhook_secret,
        "admin_url": sandbox.admin_url,
        "books": sandbox.books.path,
    }
    return as_line(told)


def _as_block(sandbox: StripeSandbox) -> str:
    told = {
        "base URL": sandbox.base_url,
        "secret key": sandbox.secret_key,
        "webhook secret": sandbox.webhook_secret,
        "books": sandbox.books.path,
        "orders": f"{sandbox.admin_url}books, faults, settings, clock, webhooks, refunds",
    }
    return as_block("stripe sandbox", told)
