"""What opens a breaker, what closes it, and what says nothing: each kind of end, over real sockets."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from providers.connection_settings import ConnectionSettings
from providers.connector import Integration, RateLimit
from providers.retry import RetryPolicy
from schemas.errors import HubError, NotSent, Throttled
from tests.conformance.far_side import Behaviour, a_dead_address, answering, cutting_off, hanging, resetting
from tests.unit.providers.refunds import DECLINED, ILL, WELL, Trial, a_trial

HTML = b"<html>Bad gateway</html>"
NEUTRAL: dict[str, Behaviour] = {
    "declined": DECLINED,
    "declined with 400": answering(400, b'{"word":"no"}'),
    "not allowed": answering(401, b'{"word":"no"}'),
    "not found": answering(404, b'{"word":"no"}'),
    "invalid": answering(422, b'{"word":"no"}'),
    "key in use": answering(409, b'{"word":"no"}'),
    "429": answering(429, b"", Retry_After="0"),
    "throttled in the body": answering(200, b'{"word":"later"}', Retry_After="0"),
}
FAULTS: dict[str, Behaviour] = {
    "500": ILL,
    "502 html": answering(502, HTML, "text/html"),
    "503": answering(503, b'{"word":"no"}'),
    "html with 200": answering(200, HTML, "text/html"),
    "empty success": answering(200, b""),
    "reset": resetting,
    "cut off": cutting_off,
    "silence": hanging,
    "asleep": answering(200, b'{"word":"asleep"}'),
}


async def _one(trial: Trial, behaviour: Behaviour) -> None:
    trial.far.behaviour = behaviour
    with suppress(HubError):
        await trial.refund(deadline_s=0.2 if behaviour is hanging else 5)


@pytest.mark.parametrize("kind", NEUTRAL)
async def test_what_the_provider_says_on_purpose_never_opens_it(kind: str) -> None:
    async with a_trial(breaker_threshold=2) as trial:
        for _ in range(10):
            await _one(trial, NEUTRAL[kind])
        assert len(trial.far.received) == 10
    assert trial.changes == []


@pytest.mark.parametrize("kind", FAULTS)
async def test_what_the_far_side_fails_at_opens_it(kind: str) -> None:
    async with a_trial(breaker_threshold=2) as trial:
        await _one(trial, FAULTS[kind])
        assert trial.states == []
        await _one(trial, FAULTS[kind])
    assert trial.states == ["open"]


async def test_a_provider_that_cannot_be_reached_opens_it() -> None:
    async with a_trial(breaker_threshold=2) as trial:
        known = trial.integration
        trial.integration = Integration(known.id, known.connector, "sandbox", a_dead_address(), known.credentials)
        for _ in range(2):
            await _one(trial, WELL)
    assert trial.states == ["open"]


@pytest.mark.parametrize("kind", NEUTRAL)
async def test_a_neutral_end_neither_hides_a_row_of_faults_nor_closes_a_probe(kind: str) -> None:
    async with a_trial(turned=True, breaker_threshold=2) as trial:
        for behaviour in (ILL, NEUTRAL[kind], ILL):
            await _one(trial, behaviour)
        assert trial.states == ["open"]
        trial.now[0] += 31
        await _one(trial, NEUTRAL[kind])
        assert trial.states == ["open", "half_open"]
        await _one(trial, WELL)
    assert trial.states == ["open", "half_open", "closed"]


async def test_refused_calls_are_a_number_of_their_own_and_the_probe_comes_on_time() -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        ends = await asyncio.gather(*(trial.refund() for _ in range(1000)), return_exceptions=True)
        assert {getattr(end, "reason", None) for end in ends} == {"breaker_open"}
        breaker = trial.caller._gates.breaker(trial.integration, "payment")
        assert (breaker.refused, len(trial.far.received), len(trial.exchanges)) == (1000, 3, 3)
        trial.now[0] += 29.9
        with pytest.raises(NotSent):
            await trial.refund()
        trial.now[0] += 0.1
        trial.far.behaviour = WELL
        await trial.refund()
    assert trial.states == ["open", "half_open", "closed"]


async def test_refused_calls_are_asked_back_at_a_bounded_rate() -> None:
    async with a_trial(turned=True, come_back_per_s=10) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        told = []
        for _ in range(100):
            with pytest.raises(NotSent) as refused:
                await trial.refund()
            told.append(refused.value.retry_after_s)
        assert trial.caller.paused_s(trial.integration, trial.operation) == 30
    assert told == pytest.approx([30 + place / 10 for place in range(100)])


@pytest.mark.parametrize("end", ["answer", "decline", "fault", "cancelled"])
async def test_the_probes_slot_is_free_again_however_it_ends(end: str) -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(3)
        trial.now[0] += 31
        trial.far.behaviour = hanging
        trial.far.arrived.clear()
        probe = asyncio.create_task(trial.refund(deadline_s=30))
        await trial.far.arrived.wait()
        for _ in range(5):
            with pytest.raises(NotSent) as refused:
                await trial.refund()
            assert refused.value.retry_after_s == pytest.approx(1, abs=0.2)
        if end == "cancelled":
            probe.cancel()
        trial.far.behaviour = {"decline": DECLINED, "fault": ILL}.get(end, WELL)
        # The one that hangs answers `{}`, which is no use: a fault. The cancelled one says nothing.
        trial.far.leave.set()
        with pytest.raises(asyncio.CancelledError if end == "cancelled" else HubError):
            await probe
        trial.now[0] += 31
        await _one(trial, trial.far.behaviour)
        trial.now[0] += 31
        trial.far.behaviour = WELL
        await trial.refund()
    assert trial.states[-1] == "closed"


async def test_an_account_has_breaker_limits_of_its_own() -> None:
    async with a_trial(own=ConnectionSettings(breaker_threshold=1, breaker_open_s=5), turned=True) as trial:
        trial.far.behaviour = ILL
        await trial.fail(1)
        with pytest.raises(NotSent) as refused:
            await trial.refund()
        assert refused.value.retry_after_s == 5
    assert trial.states == ["open"]


async def test_a_429_holds_the_next_calls_back_and_one_of_a_longer_pause_is_not_waited_for() -> None:
    async with a_trial(turned=True) as trial:
        trial.far.behaviour = answering(429, b"", Retry_After="17")
        with pytest.raises(Throttled) as first:
            await trial.refund()
        trial.far.behaviour = WELL
        with pytest.raises(Throttled) as second:
            await trial.refund()
        assert (first.value.retry_after_s, second.value.retry_after_s) == (17, 17)
        assert (trial.caller.paused_s(trial.integration, trial.operation), len(trial.far.received)) == (17, 1)
        [report] = trial.caller.limits()
        assert (report.throttled, report.turned_away, report.closed_s) == (1, 1, 17)
        trial.now[0] += 17
        await trial.refund()
        assert trial.changes == []


async def test_every_send_of_one_attempt_counts_against_the_limit() -> None:
    words = iter((b"later", b"later", b"yes"))

    async def answer(far: Any, request: Any) -> Any:
        return await answering(200, b'{"word":"%s"}' % next(words), Retry_After="0")(far, request)

    async with a_trial(retry=RetryPolicy(tries=3), limit=RateLimit(50, 60)) as trial:
        trial.far.behaviour = answer
        await trial.refund()
        [report] = trial.caller.limits()
    assert (report.used, report.turned_away) == (3, 2)
