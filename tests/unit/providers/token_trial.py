"""A cache of access tokens on trial. The provider here is strict: a refresh token holds once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from providers.tokens import Grant, Token, TokenAccount, TokenCache, TokenReplaced
from schemas.errors import StoreError
from tests.virtual_time import turns

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
SELLER = TokenAccount("parasut", "production", "seller", 1)


class DeadRefreshToken(Exception):
    """A refresh token was used that is not the living one: the provider has shut the account out."""


@dataclass
class Provider:
    """Gives tokens for `lifetime_s`, each with a refresh token that replaces the one it was asked with."""

    lifetime_s: float = 3600
    rotates: bool = True
    requests: Counter[TokenAccount] = field(default_factory=Counter)
    living: dict[TokenAccount, str] = field(default_factory=dict)
    fails: list[BaseException] = field(default_factory=list)
    misused: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def grant(self, account: TokenAccount, refresh: SecretStr | None) -> Grant:
        self.requests[account] += 1
        given = None if refresh is None else refresh.get_secret_value()
        if given != self.living.get(account):
            self.misused += 1
            raise DeadRefreshToken(given)
        if self.fails:
            raise self.fails.pop(0)
        number = self.requests[account]
        if self.rotates:
            self.living[account] = f"refresh {number}"
        await turns(3)
        await self.gate.wait()
        name = f"{account.environment} {account.integration_id} {account.credential_version}"
        access = SecretStr(f"{name} at {number}")
        return Grant(access, self.lifetime_s, SecretStr(self.living[account]) if self.rotates else None)


@dataclass
class Shelf:
    """A store that all processes share; it fails while `down`."""

    stored: dict[TokenAccount, Token] = field(default_factory=dict)
    turns: dict[TokenAccount, asyncio.Lock] = field(default_factory=dict)
    down: bool = False

    @asynccontextmanager
    async def turn(self, account: TokenAccount) -> AsyncIterator[None]:
        async with self.turns.setdefault(account, asyncio.Lock()):
            yield

    async def load(self, account: TokenAccount) -> Token | None:
        await asyncio.sleep(0)
        return self.stored.get(account)

    async def put(self, account: TokenAccount, token: Token) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise StoreError("the store is away")
        last = self.stored.get(account)
        if last != token and token.number != (0 if last is None else last.number) + 1:
            raise TokenReplaced(f"token {token.number} is not the next one")
        self.stored[account] = token


@dataclass
class Trial:
    at: datetime = START
    shelf: Shelf | None = field(default_factory=Shelf)
    most: int = 100
    margin_s: float = 60
    patience_s: float = 0

    def __post_init__(self) -> None:
        self.provider = Provider()
        self.provider.gate.set()
        self.cache = self.another_process()

    def another_process(self) -> TokenCache:
        return TokenCache(
            now=lambda: self.at,
            store=self.shelf,
            most=self.most,
            margin_s=self.margin_s,
            deadline_s=30,
            patience_s=self.patience_s,
        )

    async def token(self, account: TokenAccount = SELLER, cache: TokenCache | None = None) -> Token:
        return await (cache or self.cache).get(account, lambda refresh: self.provider.grant(account, refresh))

    async def access(self, account: TokenAccount = SELLER, cache: TokenCache | None = None) -> str:
        return (await self.token(account, cache)).access.get_secret_value()

    def after(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def stored_refresh(self, account: TokenAccount = SELLER) -> str | None:
        assert self.shelf is not None
        refresh = self.shelf.stored[account].refresh
        return None if refresh is None else refresh.get_secret_value()


async def callers_at_once(trial: Trial, count: int = 50) -> list[asyncio.Task[str]]:
    trial.provider.gate.clear()
    callers = [asyncio.create_task(trial.access()) for _ in range(count)]
    await turns()
    return callers
