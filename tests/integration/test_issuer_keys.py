"""The issuer's keys over loopback: when they are fetched, and when they are not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from infra.gateway.access import issuer_keys
from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.issuer_keys import IssuerKeys
from infra.gateway.access.tokens import Issuer, Tokens
from schemas.errors import StoreError
from tests.token_issuer import AUDIENCE, CLIENT, CLIENT_SECRET, SigningPair, TokenIssuer, running_issuer


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[TokenIssuer]:
    async with running_issuer() as running:
        yield running


@dataclass
class Clock:
    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


class Gateway:
    def __init__(self, issuer: TokenIssuer) -> None:
        self.clock = Clock()
        self.keys = IssuerKeys(issuer.jwks_url, clock=self.clock)
        self._tokens = Tokens(Issuer(issuer.url, AUDIENCE), self.keys)

    async def caller(self, token: str) -> Caller:
        return await self._tokens.caller(token)


@pytest.fixture
def gateway(issuer: TokenIssuer) -> Gateway:
    return Gateway(issuer)


async def test_a_client_is_let_in_with_the_token_that_it_was_given(issuer: TokenIssuer, gateway: Gateway) -> None:
    async with httpx.AsyncClient(auth=(CLIENT, CLIENT_SECRET)) as client:
        form = {"grant_type": "client_credentials", "scope": "payments:read"}
        given = (await client.post(f"{issuer.url}/token", data=form)).json()
    caller = await gateway.caller(given["access_token"])
    assert (caller.id, caller.scopes) == (f"client:{CLIENT}", frozenset({"payments:read"}))


async def test_keys_are_fetched_once_for_all_who_ask_at_one_time(issuer: TokenIssuer, gateway: Gateway) -> None:
    await asyncio.gather(*(gateway.caller(issuer.token()) for _ in range(50)))
    assert issuer.fetched == 1


async def test_made_up_names_of_keys_do_not_hammer_the_issuer(issuer: TokenIssuer, gateway: Gateway) -> None:
    await gateway.caller(issuer.token())
    gateway.clock.at += 11
    forged = [issuer.token(SigningPair.new(f"made-up-{number}")) for number in range(40)]
    ends = await asyncio.gather(*map(gateway.caller, forged), return_exceptions=True)
    assert {type(end) for end in ends} == {Stranger}
    assert issuer.fetched == 2
    await gateway.caller(issuer.token())
    assert issuer.fetched == 2


async def test_a_new_key_is_known_with_its_first_token(issuer: TokenIssuer, gateway: Gateway) -> None:
    await gateway.caller(issuer.token())
    issuer.pairs.append(SigningPair.new("second", "EdDSA"))
    gateway.clock.at += 11
    await gateway.caller(issuer.token(issuer.pairs[1]))
    await gateway.caller(issuer.token(issuer.pairs[0]))


async def test_a_key_that_was_taken_back_opens_nothing_after_the_next_fetch(
    issuer: TokenIssuer, gateway: Gateway
) -> None:
    token = issuer.token()
    await gateway.caller(token)
    issuer.pairs = [SigningPair.new("second")]
    gateway.clock.at += 11
    await gateway.caller(issuer.token())
    with pytest.raises(Stranger):
        await gateway.caller(token)


async def test_an_issuer_that_is_away_is_not_missed_for_a_while(issuer: TokenIssuer, gateway: Gateway) -> None:
    token = issuer.token()
    await gateway.caller(token)
    issuer.status = 503
    gateway.clock.at += 11
    # Whether it knows this one nobody can say now.
    with pytest.raises(StoreError):
        await gateway.caller(issuer.token(SigningPair.new("new-perhaps")))
    assert (await gateway.caller(token)).id == f"client:{CLIENT}"
    gateway.clock.at += issuer_keys.STALE_S
    with pytest.raises(StoreError):
        await gateway.caller(token)


@pytest.mark.parametrize(
    ("status", "published"),
    [
        (307, None),
        (404, None),
        (200, b"<html>"),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [' + b" " * issuer_keys.LARGEST + b"]}"),
    ],
    ids=["a redirect", "not found", "a page", "no keys", "without end"],
)
async def test_whatever_is_no_set_of_keys_lets_nobody_in(
    issuer: TokenIssuer, gateway: Gateway, status: int, published: bytes | None
) -> None:
    issuer.status, issuer.published = status, published
    with pytest.raises(StoreError):
        await gateway.caller(issuer.token())


async def test_a_good_set_is_kept_when_a_bad_one_follows(issuer: TokenIssuer, gateway: Gateway) -> None:
    token = issuer.token()
    await gateway.caller(token)
    issuer.published = b'{"keys": []}'
    gateway.clock.at += 11
    with pytest.raises(StoreError):
        await gateway.caller(issuer.token(SigningPair.new("second")))
    await gateway.caller(token)


async def test_a_running_gateway_has_the_keys_before_the_first_token(issuer: TokenIssuer, gateway: Gateway) -> None:
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(gateway.keys.watch())
        async with asyncio.timeout(30):
            await issuer.asked.wait()
            await gateway.caller(issuer.token())
        watching.cancel()
    assert issuer.fetched == 1
