"""Access tokens under races. Pitfalls G3, G5, G7. The provider here is strict: a refresh token holds once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.tokens import Grant, Token, TokenAccount, TokenCache, TokenReplaced
from schemas.errors import NotSent, OutcomeUnknown, StoreError, Throttled
from tests.virtual_time import run, turns

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


async def _at_once(trial: Trial, count: int = 50) -> list[asyncio.Task[str]]:
    trial.provider.gate.clear()
    callers = [asyncio.create_task(trial.access()) for _ in range(count)]
    await turns()
    return callers


async def test_g7_fifty_calls_at_expiry_are_one_request_and_the_living_token_is_stored() -> None:
    trial = Trial()
    await trial.access()
    trial.after(3600)
    callers = await _at_once(trial)
    trial.provider.gate.set()
    assert await asyncio.gather(*callers) == ["production seller 1 at 2"] * 50
    assert trial.provider.requests[SELLER] == 2
    assert trial.stored_refresh() == trial.provider.living[SELLER] == "refresh 2"


async def test_g7_fifty_calls_of_five_processes_are_one_request() -> None:
    trial = Trial()
    await trial.access()
    trial.after(3600)
    processes = [trial.another_process() for _ in range(5)]
    found = await asyncio.gather(*(trial.access(cache=cache) for cache in processes * 10))
    assert found == ["production seller 1 at 2"] * 50
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_a_cancelled_caller_takes_the_request_from_nobody() -> None:
    trial = Trial()
    callers = await _at_once(trial)
    for caller in callers[:49]:
        caller.cancel()
    await turns()
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert ends[49] == "production seller 1 at 1"
    assert all(isinstance(end, asyncio.CancelledError) for end in ends[:49])
    assert trial.provider.requests[SELLER] == 1


async def test_g7_a_request_whose_callers_all_went_still_stores_what_it_brought() -> None:
    trial = Trial()
    for caller in await _at_once(trial, 3):
        caller.cancel()
    await turns()
    trial.provider.gate.set()
    await trial.cache.aclose()
    assert trial.stored_refresh() == trial.provider.living[SELLER]
    assert await trial.access() == "production seller 1 at 1"


async def test_g7_a_new_refresh_token_is_stored_before_anybody_gets_its_access_token() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    callers = await _at_once(trial)
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(end) for end in ends] == [StoreError] * 50


def test_g7_a_store_that_comes_back_gets_the_token_before_another_process_gets_its_turn() -> None:
    async def two_processes() -> None:
        trial = Trial(patience_s=15)
        assert trial.shelf is not None
        trial.shelf.down = True
        first = asyncio.create_task(trial.access())
        second = asyncio.create_task(trial.access(cache=trial.another_process()))
        await asyncio.sleep(10)
        trial.shelf.down = False
        assert list(await asyncio.gather(first, second)) == ["production seller 1 at 1"] * 2
        assert trial.stored_refresh() == trial.provider.living[SELLER]

    run(two_processes())


async def test_g7_what_could_not_be_stored_is_stored_later_and_not_asked_for_again() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    for _ in range(2):
        with pytest.raises(StoreError):
            await trial.access()
    trial.shelf.down = False
    assert await trial.access() == "production seller 1 at 1"
    assert trial.provider.requests[SELLER] == 1
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_what_could_not_be_stored_is_stored_at_the_end() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    with pytest.raises(StoreError):
        await trial.access()
    with pytest.raises(StoreError):
        await trial.cache.aclose()
    trial.shelf.down = False
    await trial.cache.aclose()
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_a_dead_refresh_token_is_never_stored_over_a_living_one() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    with pytest.raises(StoreError):
        await trial.access()
    trial.shelf.down = False
    newer = Token(7, SecretStr("theirs"), SecretStr("living"), trial.at, trial.at + timedelta(hours=1))
    trial.shelf.stored[SELLER] = newer
    assert await trial.access() == "theirs"
    assert trial.stored_refresh() == "living"
    await trial.cache.aclose()
    assert trial.stored_refresh() == "living"


async def test_g7_a_token_that_was_replaced_during_its_request_is_not_handed_out() -> None:
    trial = Trial()
    assert trial.shelf is not None
    callers = await _at_once(trial, 2)
    newer = Token(7, SecretStr("theirs"), SecretStr("living"), trial.at, trial.at + timedelta(hours=1))
    trial.shelf.stored[SELLER] = newer
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(end) for end in ends] == [NotSent] * 2
    assert await trial.access() == "theirs"


async def test_a_provider_that_names_no_new_refresh_token_leaves_the_earlier_one_in_force() -> None:
    trial = Trial()
    await trial.access()
    trial.provider.rotates = False
    for _ in range(2):
        trial.after(3600)
        await trial.access()
    assert trial.stored_refresh() == "refresh 1"


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    trial = Trial()
    trial.provider.fails = [Throttled("later", provider="parasut", operation="token", retry_after_s=9)]
    ends = await asyncio.gather(*(trial.access() for _ in range(50)), return_exceptions=True)
    assert [type(end) for end in ends] == [Throttled] * 50
    assert trial.provider.requests[SELLER] == 1
    assert await trial.access() == "production seller 1 at 2"


async def test_a_call_for_which_no_token_came_was_certainly_not_sent() -> None:
    trial = Trial()
    trial.provider.fails = [OutcomeUnknown("?", provider="parasut", operation="token", reason="timeout")]
    with pytest.raises(NotSent, match="no access token came for seller"):
        await trial.access()


def test_a_request_that_never_answers_ends_at_its_deadline() -> None:
    async def hanging() -> None:
        trial = Trial()
        trial.provider.gate.clear()
        began = asyncio.get_running_loop().time()
        with pytest.raises(NotSent):
            await trial.access()
        assert asyncio.get_running_loop().time() - began == 30

    run(hanging())


async def test_a_renewal_that_is_cut_off_is_made_anew_by_one_of_those_who_wait() -> None:
    trial = Trial(shelf=None)
    trial.provider.rotates = False
    callers = await _at_once(trial, 10)
    for renewal in trial.cache._under_way.values():
        renewal.cancel()
    await turns()
    trial.provider.gate.set()
    assert await asyncio.gather(*callers) == ["production seller 1 at 2"] * 10


async def test_a_token_is_renewed_a_little_before_its_end() -> None:
    trial = Trial(margin_s=60)
    await trial.access()
    trial.after(3539)
    assert await trial.access() == "production seller 1 at 1"
    trial.after(1)
    assert await trial.access() == "production seller 1 at 2"


async def test_a_token_that_is_shorter_than_the_margin_is_used_for_half_its_time() -> None:
    trial = Trial(margin_s=60)
    trial.provider.lifetime_s = 40
    await trial.access()
    trial.after(19)
    assert await trial.access() == "production seller 1 at 1"
    trial.after(1)
    assert await trial.access() == "production seller 1 at 2"


async def test_a_tokens_time_counts_from_before_it_was_asked_for() -> None:
    trial = Trial(margin_s=0)
    (caller,) = await _at_once(trial, 1)
    trial.after(10)
    trial.provider.gate.set()
    await caller
    trial.after(3590)
    assert await trial.access() == "production seller 1 at 2"


@pytest.mark.parametrize("expires_in_s", [0, -1])
def test_a_token_without_time_is_none(expires_in_s: float) -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        Grant(SecretStr("x"), expires_in_s)


async def test_g3_two_sellers_that_take_turns_each_get_their_own_token() -> None:
    trial = Trial()
    sellers = [replace(SELLER, integration_id=name) for name in ("a", "b")]
    found = [await trial.access(seller) for _ in range(100) for seller in sellers]
    assert found == ["production a 1 at 1", "production b 1 at 1"] * 100
    assert trial.provider.requests.total() == 2


async def test_g3_environment_account_and_version_of_the_credentials_each_make_another_token() -> None:
    trial = Trial()
    accounts = [
        replace(SELLER, environment=environment, integration_id=name, credential_version=version)
        for environment in ("production", "sandbox")
        for name in ("seller", "seller-1")
        for version in (1, 2)
    ]
    found = await asyncio.gather(*(trial.access(account) for account in accounts * 25))
    expected = [f"{one.environment} {one.integration_id} {one.credential_version} at 1" for one in accounts]
    assert found == expected * 25


@pytest.mark.parametrize("shared", [True, False])
async def test_g5_fifteen_accounts_of_ten_calls_are_fifteen_requests_in_each_lifetime(shared: bool) -> None:
    trial = Trial() if shared else Trial(shelf=None)
    trial.provider.rotates = shared
    accounts = [replace(SELLER, integration_id=f"account-{number}") for number in range(15)]
    for lifetime in range(1, 4):
        await asyncio.gather(*(trial.access(account) for account in accounts * 5))
        for account in accounts * 5:
            await trial.access(account)
        assert trial.provider.requests.total() == 15 * lifetime
        trial.after(3600)


async def test_g5_the_cache_is_bounded_and_what_it_lets_go_of_is_found_in_the_store() -> None:
    trial = Trial(most=2)
    accounts = [replace(SELLER, integration_id=name) for name in "abc"]
    for account in (*accounts, *accounts):
        await trial.access(account)
    assert len(trial.cache._kept) == 2
    assert trial.provider.requests.total() == 3


async def test_a_token_that_the_provider_refused_is_renewed_once_for_all_who_were_refused() -> None:
    trial = Trial()
    old = await trial.token()
    for _ in range(25):
        trial.cache.refuse(SELLER, old)
    new = await trial.access()
    for _ in range(25):
        trial.cache.refuse(SELLER, old)
    assert await trial.access() == new == "production seller 1 at 2"
    assert trial.provider.requests[SELLER] == 2


async def test_a_refused_token_without_a_store_is_renewed_too() -> None:
    trial = Trial(shelf=None)
    trial.provider.rotates = False
    trial.cache.refuse(SELLER, await trial.token())
    assert await trial.access() == await trial.access() == "production seller 1 at 2"


async def test_a_refresh_token_with_nowhere_to_be_kept_is_an_error() -> None:
    with pytest.raises(ValueError, match="a store is needed"):
        await Trial(shelf=None).access()


async def test_tokens_show_no_value() -> None:
    trial = Trial()
    token = await trial.token()
    assert "at 1" not in repr((token, Grant(SecretStr("at 1"), 1), trial.cache._kept))


STEPS = st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from(["call", "cancel", "wait", "down"]))


@given(st.lists(STEPS, max_size=25))
def test_g7_no_order_of_calls_cancellations_and_failures_uses_a_dead_refresh_token(
    steps: list[tuple[int, int, str]],
) -> None:
    """Three processes share an account. The provider shuts it out at the first refresh token that is not the living."""

    async def play() -> None:
        trial = Trial(patience_s=600)
        assert trial.shelf is not None
        processes = [trial.cache, trial.another_process(), trial.another_process()]
        callers: list[asyncio.Task[str]] = []
        for process, number, step in steps:
            if step == "call":
                callers.append(asyncio.create_task(trial.access(cache=processes[process])))
            elif step == "cancel" and callers:
                callers[number % len(callers)].cancel()
            elif step == "down":
                trial.shelf.down = not trial.shelf.down
            else:
                trial.after(number * 400)
            await turns(number)
        trial.shelf.down = False
        await asyncio.gather(*callers, return_exceptions=True)
        for cache in processes:
            await cache.aclose()
        assert trial.provider.misused == 0
        if trial.provider.living:
            assert trial.stored_refresh() == trial.provider.living[SELLER]

    run(play())
