"""Access tokens: asked for once for all who need one, renewed a little early, never lost to a race.

A refresh token that holds once only makes a race dear: whoever uses the dead one has to be let in by a person again. So
one refresh at a time runs for an account, in a task of its own that no caller's end cuts off, and what it brought is
stored before anybody uses it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from pydantic import SecretStr

from schemas.errors import HubError, NotSent, OutcomeUnknown, StoreError

MOST: Final = 2_000
MARGIN_S: Final = 60.0
DEADLINE_S: Final = 30.0
PATIENCE_S: Final = 15.0
_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """Whose token it is. Another environment, account or version of its credentials is another token.

    Attributes:
        credential_version: of the credentials that it is asked for with; a new version begins from those credentials.
    """

    provider: str
    environment: str
    integration_id: str
    credential_version: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider answered to a request for a token.

    Attributes:
        expires_in_s: counted from before the request.
        refresh: the next refresh token; `None` leaves the earlier one in force.
    """

    access: SecretStr = field(repr=False)
    expires_in_s: float
    refresh: SecretStr | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.expires_in_s <= 0:
            raise ValueError(f"a token's time must be above 0 s, not {self.expires_in_s:g}")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is stored or in use.

    Attributes:
        number: counts an account's tokens from 1.
    """

    number: int
    access: SecretStr = field(repr=False)
    refresh: SecretStr | None = field(repr=False)
    asked_at: datetime
    good_until: datetime


class TokenReplaced(HubError):
    """Another token was stored meanwhile, and stands."""


class TokenStore(Protocol):
    """Where tokens outlive a process and are shared. Every method has a deadline of its own and raises `StoreError`."""

    def turn(self, account: TokenAccount) -> AbstractAsyncContextManager[object]:
        """Wait until no other process is renewing this account's token, and keep the others out meanwhile."""
        ...

    async def load(self, account: TokenAccount) -> Token | None:
        """The token with the highest number."""
        ...

    async def put(self, account: TokenAccount, token: Token) -> None:
        """Store a token if it is the next one by its number; the same one may be put again.

        Raises:
            TokenReplaced: it is not the next one, and nothing was stored.
        """
        ...


AskForToken = Callable[[SecretStr | None], Awaitable[Grant]]
"""Ask the provider, with the refresh token if there is one, else with the credentials."""


class TokenCache:
    """The tokens of one process.

    Args:
        now: the time of day; what is stored is read by other processes.
        store: needed where refresh tokens change; without one, tokens are as old as the process at most.
        margin_s: how long before its end a token is renewed, but never before half its time is over.
        most: accounts that are kept; the one that was not used for the longest goes first.
        deadline_s: for one request to the provider.
        patience_s: how long a token that the store does not take is offered again while the turn is kept. Until it is
            stored, another process that came to its turn would use the refresh token before it, which is dead.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        store: TokenStore | None = None,
        margin_s: float = MARGIN_S,
        most: int = MOST,
        deadline_s: float = DEADLINE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._now = now
        self._store = store
        self._margin = timedelta(seconds=margin_s)
        self._most = most
        self._deadline_s = deadline_s
        self._patience_s = patience_s
        self._kept: OrderedDict[TokenAccount, Token] = OrderedDict()
        self._refused: dict[TokenAccount, int] = {}
        self._unstored: dict[TokenAccount, Token] = {}
        self._under_way: dict[TokenAccount, asyncio.Task[Token]] = {}

    async def get(self, account: TokenAccount, ask: AskForToken) -> Token:
        """The account's token; while it is being renewed, all wait for the same request.

        Raises:
            NotSent: no token came, so that nothing else was sent either.
            StoreError: the store failed. A new refresh token is stored before the next request.
            What `ask` raised, for all who waited for it; the next caller asks anew.
        """
        while True:
            kept = self._kept.get(account)
            if kept is not None and self._is_fresh(account, kept):
                self._kept.move_to_end(account)
                return kept
            renewal = self._under_way.get(account) or self._start(account, ask)
            # Not awaited itself: a caller that is cancelled must not cancel what others wait for.
            await asyncio.wait((renewal,))
            if not renewal.cancelled():
                return renewal.result()

    def refuse(self, account: TokenAccount, token: Token) -> None:
        """The provider did not take this token, though its time is not over: the next caller renews it.

        Of many calls that were refused with one token, only the first makes it be renewed.
        """
        if account in self._kept:
            self._refused[account] = max(token.number, self._refused.get(account, 0))

    async def aclose(self) -> None:
        """Wait for the requests under way and store what could not be stored, so that no new refresh token is lost.

        Raises:
            StoreError: the store failed again.
        """
        while self._under_way:
            await asyncio.wait(tuple(self._under_way.values()))
        for account, token in tuple(self._unstored.items()):
            with suppress(TokenReplaced):
                await self._put(account, token)

    def _start(self, account: TokenAccount, ask: AskForToken) -> asyncio.Task[Token]:
        # It serves many callers, so that it can be the child of none: it is kept here until it ends. Cut off after the
        # provider took a refresh token and before its answer, it would leave us with a dead one.
        renewal = asyncio.get_running_loop().create_task(self._renewed(account, ask))
        self._under_way[account] = renewal
        renewal.add_done_callback(lambda ended: self._end(account, ended))
        return renewal

    def _end(self, account: TokenAccount, renewal: asyncio.Task[Token]) -> None:
        del self._under_way[account]
        if renewal.cancelled() or renewal.exception() is not None:
            return
        self._kept[account] = renewal.result()
        self._kept.move_to_end(account)
        self._refused.pop(account, None)
        while len(self._kept) > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._refused.pop(oldest, None)

    async def _renewed(self, account: TokenAccount, ask: AskForToken) -> Token:
        async with nullcontext() if self._store is None else self._store.turn(account):
            last = await self._last(account)
            if last is not None and self._is_fresh(account, last):
                return last  # another process was quicker
            asked_at = self._now()
            grant = await self._asked(account, ask, None if last is None else last.refresh)
            token = Token(
                number=1 if last is None else last.number + 1,
                access=grant.access,
                refresh=grant.refresh or (None if last is None else last.refresh),
                asked_at=asked_at,
                good_until=asked_at + timedelta(seconds=grant.expires_in_s),
            )
            try:
                await self._put(account, token)
            except TokenReplaced as replaced:
                raise _no_token(account) from replaced
            return token

    async def _last(self, account: TokenAccount) -> Token | None:
        """The newest token there is. One that could not be stored is stored first: the provider knows no older one."""
        unstored = self._unstored.get(account)
        if unstored is not None:
            with suppress(TokenReplaced):
                await self._put(account, unstored)
                return unstored
        return self._kept.get(account) if self._store is None else await self._store.load(account)

    async def _put(self, account: TokenAccount, token: Token) -> None:
        if self._store is None:
            if token.refresh is not None:
                raise ValueError(f"{account.provider} gives refresh tokens; a store is needed that keeps them")
            return
        self._unstored[account] = token
        clock = asyncio.get_running_loop().time
        until = clock() + self._patience_s
        while account in self._unstored:
            try:
                await self._store.put(account, token)
            except TokenReplaced:
                del self._unstored[account]
                raise
            except StoreError:
                if clock() >= until:
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                del self._unstored[account]

    async def _asked(self, account: TokenAccount, ask: AskForToken, refresh: SecretStr | None) -> Grant:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await ask(refresh)
        except (TimeoutError, OutcomeUnknown) as lost:
            # It is not known what became of the request for a token; of the call that needed one it is known.
            raise _no_token(account) from lost

    def _is_fresh(self, account: TokenAccount, token: Token) -> bool:
        margin = min(self._margin, (token.good_until - token.asked_at) / 2)
        return self._now() < token.good_until - margin and token.number > self._refused.get(account, 0)


def _no_token(account: TokenAccount) -> NotSent:
    return NotSent(
        f"no access token came for {account.integration_id}; the next call asks for one again",
        provider=account.provider,
        operation="token",
        reason="no_token",
    )
