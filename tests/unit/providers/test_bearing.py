"""Calls that carry an access token, over real sockets: one request for it serves all, and a 401 performs nothing."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from aiohttp import web
from pydantic import SecretStr

from providers.caller import Caller
from providers.connector import Credentials, Integration, Request, TokenRequest, Wire
from providers.diagnosis import Cause
from providers.exchange import CallerSettings, Exchange
from providers.outcome import Outcome, Refusal, UnusableAnswer
from providers.retry import RetryPolicy
from providers.tokens import Grant
from schemas.errors import NotSent
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict
from tests.builders import a_refund_payment, lira
from tests.conformance.far_side import FarSide, far_side
from tests.conformance.samples import an_attempt
from tests.unit.providers.refunds import REFUND, a_connector

SECRET = "s3cret-of-the-account"
START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class TokenReply(Wire):
    access_token: str | None = None
    expires_in: int = 0
    error: str | None = None


def _sign(_request: Request, credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials["key"].get_secret_value().encode()).decode()}


def _read(reply: TokenReply) -> Grant | Refusal:
    if reply.error is not None:
        return Refusal(
            reason=Reason.INVALID_CREDENTIALS, failure=FailureClass.CONFIGURATION, detail="set the keys anew"
        )
    if reply.access_token is None:
        raise UnusableAnswer("access_token is missing")
    return Grant(SecretStr(reply.access_token), reply.expires_in)


CONNECTOR = replace(
    a_connector(),
    token=TokenRequest(Request("POST", "/token", b"grant_type=client_credentials"), _sign, TokenReply, _read),
)


@dataclass
class Provider:
    """Takes the tokens that it gave, but for those in `dead`; refunds what it is asked to."""

    given: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    refunds: list[str] = field(default_factory=list)
    token_status: int = 200
    token_body: str = ""

    async def answer(self, far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            self.given.append(f"access-token-{len(self.given) + 1}")
            body = self.token_body or f'{{"access_token":"{self.given[-1]}","expires_in":3600}}'
            return web.Response(text=body, status=self.token_status, content_type="application/json")
        carried = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if carried not in self.given or carried in self.dead:
            return web.Response(text='{"word":"no"}', status=401, content_type="application/json")
        self.refunds.append(far.received[-1][2].decode())
        return web.Response(text='{"word":"yes"}', content_type="application/json")


@dataclass
class Trial:
    provider: Provider
    caller: Caller
    integration: Integration
    exchanges: list[Exchange]

    async def refund(self, **keys: str) -> Outcome:
        account = self.integration
        if keys:
            account = replace(account, credentials={name: SecretStr(value) for name, value in keys.items()})
        prepared = self.caller.prepare(account, REFUND, a_refund_payment(), an_attempt("captured", lira("5.00")))
        async with self.caller.admission(account, REFUND):
            return await self.caller.send(prepared, deadline_s=5)

    @property
    def story(self) -> list[tuple[str, str]]:
        return [(exchange.operation, exchange.outcome) for exchange in self.exchanges]


@asynccontextmanager
async def a_trial(tries: int = 3) -> AsyncIterator[Trial]:
    provider, exchanges, ticks = Provider(), list[Exchange](), count()
    async with (
        far_side(provider.answer) as far,
        Caller(
            on_exchange=exchanges.append,
            on_breaker=lambda _: None,
            clock=lambda: START + timedelta(milliseconds=next(ticks)),
            settings=CallerSettings(retry=RetryPolicy(tries=tries, base_s=0.001), breaker_threshold=2),
        ) as caller,
    ):
        account = Integration("m1", CONNECTOR, "sandbox", far.base_url, {"key": SecretStr(SECRET)})
        yield Trial(provider, caller, account, exchanges)


async def test_calls_at_one_time_and_later_ones_share_one_token() -> None:
    async with a_trial() as trial:
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(trial.refund())
        await trial.refund()
        assert len(trial.provider.given) == 1
        assert len(trial.provider.refunds) == 21


async def test_a_token_that_is_not_taken_is_asked_for_anew_and_the_same_request_goes_out_once_more() -> None:
    async with a_trial() as trial:
        await trial.refund()
        trial.provider.dead.add("access-token-1")
        assert (await trial.refund()).verdict is Verdict.ACCEPTED
        told = [("token", "found"), ("refund", "accepted")]
        assert trial.story == [*told, ("refund", "not_sent"), *told]
        assert trial.provider.refunds[0] == trial.provider.refunds[1]


async def test_without_a_second_try_a_token_that_is_not_taken_leaves_the_call_certainly_not_performed() -> None:
    async with a_trial(tries=1) as trial:
        await trial.refund()
        trial.provider.dead.add("access-token-1")
        with pytest.raises(NotSent) as refused:
            await trial.refund()
        assert refused.value.reason == "token_refused"
        assert (await trial.refund()).verdict is Verdict.ACCEPTED


async def test_a_fresh_token_that_is_not_taken_either_is_the_accounts_trouble_and_for_the_connector_to_read() -> None:
    async with a_trial() as trial:
        trial.provider.dead |= {f"access-token-{number}" for number in range(1, 9)}
        assert (await trial.refund()).verdict is Verdict.REFUSED
        assert trial.story == [("token", "found"), ("refund", "refused")]


async def test_an_old_token_that_is_not_taken_makes_no_account_unhealthy() -> None:
    async with a_trial() as trial:
        await trial.refund()
        trial.provider.dead.add("access-token-1")
        assert (await trial.caller.probe(trial.integration)).status == "healthy"
        assert [outcome for operation, outcome in trial.story if operation == "health"] == ["unhealthy", "healthy"]


async def test_keys_that_are_given_no_token_send_nothing_and_say_what_to_do() -> None:
    async with a_trial() as trial:
        trial.provider.token_status, trial.provider.token_body = 401, '{"error":"invalid_client"}'
        with pytest.raises(NotSent, match="set the keys anew") as refused:
            await trial.refund()
        assert refused.value.reason == "invalid_credentials"
        assert (await trial.caller.probe(trial.integration)).cause is Cause.WRONG_KEY
        assert trial.provider.refunds == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, "{}"), (200, "<html>"), (200, "{}"), (200, '{"access_token":"t","expires_in":0}'), (503, "")],
)
async def test_a_token_that_does_not_come_leaves_the_call_certainly_not_performed(status: int, body: str) -> None:
    async with a_trial() as trial:
        trial.provider.token_status, trial.provider.token_body = status, body or " "
        for reason in ("no_token", "no_token", "breaker_open"):
            with pytest.raises(NotSent) as refused:
                await trial.refund()
            assert refused.value.reason == reason
        assert trial.provider.refunds == []


async def test_a_grant_under_the_status_of_a_failure_is_none() -> None:
    async with a_trial() as trial:
        trial.provider.token_status = 400
        with pytest.raises(NotSent) as refused:
            await trial.refund()
        assert refused.value.reason == "no_token"


async def test_other_keys_have_a_token_of_their_own() -> None:
    async with a_trial() as trial:
        await trial.refund()
        await trial.refund(key="rotated-" + SECRET)
        await trial.refund()
        assert len(trial.provider.given) == 2


async def test_neither_keys_nor_token_stand_in_any_record() -> None:
    async with a_trial() as trial:
        trial.provider.dead.add("access-token-1")
        await trial.refund()
        await trial.refund()
        shown = repr(trial.exchanges) + "".join(one.request_text + one.response_text for one in trial.exchanges)
        basic = base64.b64encode(SECRET.encode()).decode()
        assert [hidden for hidden in ("access-token", SECRET, basic) if hidden in shown] == []


async def test_waiting_for_a_token_counts_for_the_calls_own_deadline() -> None:
    async with a_trial() as trial:

        async def silent(_far: FarSide, _request: web.BaseRequest) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        async with far_side(silent) as far:
            account = replace(trial.integration, base_url=far.base_url)
            prepared = trial.caller.prepare(account, REFUND, a_refund_payment(), an_attempt("captured", lira("5.00")))
            with pytest.raises(NotSent) as late:
                await trial.caller.send(prepared, deadline_s=0.1)
            assert late.value.reason == "no_token"
            await trial.caller.retire(account.id, within_s=0)


async def test_an_account_without_tokens_reads_a_401_as_before() -> None:
    async with a_trial() as trial:
        plain = replace(trial.integration, connector=replace(CONNECTOR, token=None))
        prepared = trial.caller.prepare(plain, REFUND, a_refund_payment(), an_attempt("captured", lira("5.00")))
        assert (await trial.caller.send(prepared, deadline_s=5)).verdict is Verdict.REFUSED
