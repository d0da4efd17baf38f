"""The caller as an agent uses it: admission, mark, send; over real sockets, with a provider made for the test."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from providers.caller import Caller
from providers.connector import Integration, RateLimit
from providers.exchange import Exchange
from providers.retry import RetryPolicy
from schemas.errors import NotSent, OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.verdicts import Verdict
from tests.builders import a_refund_payment, lira
from tests.conformance.far_side import FarSide, a_dead_address, answering, far_side, hanging
from tests.conformance.samples import an_attempt
from tests.unit.providers.refunds import DECLINED, ILL, REFUND, WELL, a_connector, a_trial


async def test_an_exchange_is_told_with_all_that_records_need() -> None:
    async with a_trial() as trial:
        outcome = await trial.refund()
    [exchange] = trial.exchanges
    assert outcome.verdict is Verdict.ACCEPTED
    assert (exchange.operation, exchange.attempt, exchange.outcome) == ("refund", 1, "accepted")
    assert (exchange.provider_code, exchange.error) == ("yes", None)
    assert exchange.command_id == trial.attempt.command_id
    assert exchange.request.template == "/refunds"
    assert exchange.request_text == '{"ref":"k0laj0001"}'
    assert exchange.response_text == '{"word":"yes"}'
    assert exchange.started_at == datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    assert exchange.duration_us > 0
    assert exchange.answer is not None
    assert exchange.answer.status == 200


async def test_an_open_breaker_refuses_before_the_mark() -> None:
    async with a_trial() as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        with pytest.raises(NotSent) as refused:
            await trial.refund()
        assert refused.value.reason == "breaker_open"
        assert trial.marked == len(trial.far.received) == 3
    [change] = trial.changes
    assert (change.integration_id, change.provider, change.operation_class) == ("m1", "marmara", "payment")
    assert (change.before, change.state) == ("closed", "open")


async def test_declines_never_open_the_breaker() -> None:
    async with a_trial() as trial:
        trial.far.behaviour = DECLINED
        for _ in range(40):
            assert (await trial.refund()).verdict is Verdict.REFUSED
    assert trial.changes == []


async def test_a_refusal_between_two_faults_does_not_hide_them() -> None:
    async with a_trial() as trial:
        for behaviour in (ILL, DECLINED, ILL, DECLINED, ILL):
            trial.far.behaviour = behaviour
            if behaviour is ILL:
                await trial.fail(1)
            else:
                await trial.refund()
    assert trial.states == ["open"]


async def test_a_probe_that_is_declined_leaves_it_half_open_and_a_success_closes_it() -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        trial.now[0] += 31
        trial.far.behaviour = DECLINED
        await trial.refund()
        assert trial.states == ["open", "half_open"]
        trial.far.behaviour = WELL
        await trial.refund()
        assert trial.states == ["open", "half_open", "closed"]


async def test_a_cancelled_probe_frees_its_slot() -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        trial.now[0] += 31
        trial.far.behaviour = hanging
        trial.far.arrived.clear()
        probe = asyncio.create_task(trial.refund(deadline_s=30))
        await trial.far.arrived.wait()
        with pytest.raises(NotSent):
            await trial.refund()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        trial.far.behaviour = WELL
        assert (await trial.refund()).verdict is Verdict.ACCEPTED
    assert trial.states[-1] == "closed"


async def test_a_mark_that_fails_says_nothing_about_the_provider() -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        trial.now[0] += 31
        with pytest.raises(RuntimeError):
            async with trial.caller.admission(trial.integration, REFUND):
                raise RuntimeError("the ledger is away")
        assert trial.states == ["open", "half_open"]
        trial.far.behaviour = WELL
        await trial.refund()
    assert trial.states[-1] == "closed"


async def test_a_failed_connection_is_tried_again_inside_one_attempt_with_a_new_signature() -> None:
    async with a_trial(retry=RetryPolicy(tries=3, base_s=0.001)) as trial:
        dead = Integration(
            "m1", trial.integration.connector, "sandbox", a_dead_address(), trial.integration.credentials
        )
        trial.integration = dead
        with pytest.raises(NotSent):
            await trial.refund()
    assert [exchange.outcome for exchange in trial.exchanges] == ["not_sent"] * 3


async def test_a_pause_in_the_body_is_kept_and_the_call_made_again() -> None:
    words = iter((b"later", b"later", b"yes"))

    async def answer(far: FarSide, request: Any) -> Any:
        return await answering(200, b'{"word":"%s"}' % next(words))(far, request)

    async with a_trial(retry=RetryPolicy(tries=3, base_s=0.001), untold_pause_s=0.001) as trial:
        trial.far.behaviour = answer
        assert (await trial.refund()).verdict is Verdict.ACCEPTED
    assert [exchange.outcome for exchange in trial.exchanges] == ["throttled", "throttled", "accepted"]
    assert trial.marked == 1


async def test_a_provider_that_is_passingly_unable_did_not_perform() -> None:
    async with a_trial() as trial:
        trial.far.behaviour = answering(200, b'{"word":"asleep"}')
        with pytest.raises(NotSent) as refused:
            await trial.refund()
        assert refused.value.reason == "provider_transient"


async def test_a_word_that_the_reader_trips_over_is_unknown_and_no_crash() -> None:
    async with a_trial() as trial:
        trial.far.behaviour = answering(200, b'{"word":"never met"}')
        with pytest.raises(OutcomeUnknown) as unknown:
            await trial.refund()
        assert unknown.value.reason == "unusable_answer"


async def test_another_amount_than_asked_for_is_no_success() -> None:
    async with a_trial() as trial:
        trial.attempt = an_attempt("captured", Money(minor=499, currency="TRY"))
        outcome = await trial.refund()
    assert (outcome.verdict, outcome.amount) == (Verdict.UNKNOWN, lira("5.00"))
    assert [exchange.outcome for exchange in trial.exchanges] == ["unknown"]


async def test_a_record_that_cannot_be_kept_does_not_take_the_verdict_with_it() -> None:
    def broken(_exchange: Exchange) -> None:
        raise RuntimeError("the queue is full")

    async with (
        far_side(WELL) as far,
        Caller(on_exchange=broken, on_breaker=lambda _: None) as caller,
    ):
        integration = Integration("m1", a_connector(), "sandbox", far.base_url, {"key": SecretStr("k" * 20)})
        prepared = caller.prepare(integration, REFUND, a_refund_payment(), an_attempt("captured", lira("5.00")))
        assert (await caller.send(prepared, deadline_s=5)).verdict is Verdict.ACCEPTED


async def test_the_connectors_limit_holds_and_settings_override_it() -> None:
    limit = RateLimit(2, 60)
    async with a_trial(limit=limit) as trial:
        await trial.refund()
        await trial.refund()
        with pytest.raises(Throttled):
            await trial.refund()
        assert trial.marked == 2
    lifted: dict[tuple[str, str], RateLimit | None] = {("m1", "refund"): None}
    async with a_trial(limit=limit, rate_limits=lifted) as trial:
        for _ in range(5):
            await trial.refund()


async def test_health_is_degraded_while_a_breaker_is_not_closed() -> None:
    async with a_trial() as trial:
        assert (await trial.caller.probe(trial.integration)).status == "healthy"
        trial.far.behaviour = ILL
        await trial.fail(3)
        assert (await trial.caller.probe(trial.integration)).status == "unhealthy"
        trial.far.behaviour = WELL
        health = await trial.caller.probe(trial.integration)
    assert (health.status, health.response_time_ms is None) == ("degraded", False)
    assert "payment" in (health.sentence or "")
    assert [exchange.outcome for exchange in trial.exchanges if exchange.operation == "health"] == [
        "healthy",
        "unhealthy",
        "healthy",
    ]


async def test_a_slow_answer_to_a_health_check_is_degraded() -> None:
    async with a_trial(slow_after_s=0) as trial:
        assert (await trial.caller.probe(trial.integration)).status == "degraded"


async def test_outside_its_block_it_calls_nobody() -> None:
    caller = Caller(on_exchange=lambda _: None, on_breaker=lambda _: None)
    integration = Integration("m1", a_connector(), "sandbox", "http://127.0.0.1:9", {"key": SecretStr("k" * 20)})
    prepared = caller.prepare(integration, REFUND, a_refund_payment(), an_attempt("captured", lira("5.00")))
    with pytest.raises(RuntimeError, match="closed"):
        await caller.send(prepared, deadline_s=1)
