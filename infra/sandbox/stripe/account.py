"""The accounts that the sandbox serves, how they are called back, and what can be set before or while it serves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VERSION: Final = "2026-10-28.endive"
SECRET_KEY: Final = "sk_test_kolajSandbox0000000000000001"  # noqa: S105 -- a key of this sandbox alone, printed at its start
WEBHOOK_SECRET: Final = "whsec_kolajSandbox000000000000000001"  # noqa: S105 -- as above
ACCOUNT: Final = "acct_1KolajSandbox01"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How an account is told of events.

    Attributes:
        url: of the endpoint; without one nothing is sent, and events can be listed all the same.
        secrets: of the endpoint that are live; each signs, the first one's signature first.
        first_s: seconds from the event to the first call.
        spread_s: each call comes by chance up to this much later, so that their order is not that of the events.
        again_s: until the second try when the answer was not 2xx; each next one waits twice as long.
        tries: how often an event is sent that nobody takes.
        repeats: how often an event comes again though it was taken, each after `again_s`.
        forge_every: each n-th call goes out with a wrong signature first; 0 for none.
        before_answer: what is due is sent, and its answers are awaited, before whoever caused it hears how it went.
        events: the types that are sent; none for all.
    """

    url: str | None = None
    secrets: tuple[str, ...] = (WEBHOOK_SECRET,)
    first_s: float = 1
    spread_s: float = 0
    again_s: float = 60
    tries: int = 4
    repeats: int = 0
    forge_every: int = 0
    before_answer: bool = False
    events: frozenset[str] = frozenset()


@dataclass(slots=True)
class Account:
    """Everything that can be set.

    Attributes:
        keys: account ids by secret key; keys of one account share its books and its idempotency keys.
        account_rate: requests a second that are taken of an account; none for no limit.
        endpoint_rate: the same of each endpoint; ids in a path do not matter.
        kept_s: how long an answer is kept under its idempotency key.
        refund_s: seconds until a pending refund is decided, or one that seemed to succeed fails.
        portal: the customer portal has been set up.
        async_balance: a charge that is captured `automatic_async` is told without its balance transaction at first.
    """

    keys: Mapping[str, str] = field(default_factory=lambda: {SECRET_KEY: ACCOUNT})
    webhooks: Webhooks = field(default_factory=Webhooks)
    account_rate: int | None = None
    endpoint_rate: int | None = None
    kept_s: float = 24 * 3600
    refund_s: float = 60
    portal: bool = True
    async_balance: bool = True

    @property
    def secret_key(self) -> str:
        return next(iter(self.keys))
