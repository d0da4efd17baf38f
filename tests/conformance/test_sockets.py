"""Every provider over real sockets: what goes wrong there comes out under the right class, told once each time."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from providers.connector import Connector, RateLimit
from providers.registry import connectors
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from tests.conformance.far_side import (
    Behaviour,
    a_dead_address,
    answering,
    cutting_off,
    far_side,
    hanging,
    hanging_midway,
    resetting,
)
from tests.conformance.line import Ask, Line, a_line, asks_of
from tests.conformance.samples import attempt_for, command_for

every_connector = pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
HTML = b"<html><body>Bad gateway</body></html>"


@dataclass(frozen=True, slots=True)
class End:
    """What a call comes to: the class of its error, the error's word, and the word that is recorded."""

    error: type[HubError]
    reason: str
    told: str
    retry_after_s: float | None = None


def _unknown(reason: str) -> End:
    return End(OutcomeUnknown, reason, "unknown")


PATIENT_S, IMPATIENT_S = 20.0, 1.5
LARGE = b'{"status":"success","more":"' + b"x" * 200_000 + b'"}'
FAULTS: dict[str, tuple[Behaviour, End]] = {
    "500": (answering(500, b'{"status":"failure","errorCode":"10051"}'), _unknown("server_error")),
    "502 html": (answering(502, HTML, "text/html"), _unknown("server_error")),
    "302": (answering(302, b"", Location="/elsewhere"), _unknown("unusable_answer")),
    "409": (answering(409, b'{"status":"failure","errorCode":"8514"}'), _unknown("in_progress")),
    "html": (answering(200, HTML, "text/html"), _unknown("unusable_answer")),
    "empty": (answering(200), _unknown("unusable_answer")),
    "text": (answering(200, b"OK", "text/plain"), _unknown("unusable_answer")),
    "reset": (resetting, _unknown("connection_lost")),
    "cut off": (cutting_off, _unknown("connection_lost")),
    "too large": (answering(200, LARGE), _unknown("answer_too_large")),
    "429": (
        answering(429, b"Too many requests", "text/plain", Retry_After="17"),
        End(Throttled, "throttled", "throttled", 17),
    ),
    "429 json": (
        answering(429, b'{"status":"success"}', Retry_After="17"),
        End(Throttled, "throttled", "throttled", 17),
    ),
}


async def _ends(line: Line, connector: Connector, deadline_s: float, base_url: str | None = None) -> dict[str, Any]:
    """What each thing comes to that the connector can be made to send, all at once."""

    async def end(ask: Ask) -> Any:
        try:
            return await ask.make(line.caller, line.integration(connector, base_url), deadline_s)
        except HubError as error:
            after_s = error.retry_after_s if isinstance(error, Throttled) else None
            return type(error), getattr(error, "reason", None), after_s

    asks = asks_of(connector)
    return dict(zip([ask.name for ask in asks], await asyncio.gather(*map(end, asks)), strict=True))


@pytest.mark.parametrize("how", FAULTS)
@every_connector
async def test_whatever_goes_wrong_on_the_way_ends_as_its_class(line: Line, connector: Connector, how: str) -> None:
    behaviour, end = FAULTS[how]
    line.behaving(behaviour)
    ends = await _ends(line, connector, PATIENT_S)
    assert ends == dict.fromkeys(ends, (end.error, end.reason, end.retry_after_s))
    assert len(line.far.received) == len(ends)
    assert [exchange.outcome for exchange in line.exchanges] == [end.told] * len(ends)


@pytest.mark.parametrize("silent", [hanging, hanging_midway], ids=["at once", "in the middle"])
async def test_silence_until_the_deadline_leaves_the_outcome_unknown(line: Line, silent: Behaviour) -> None:
    # Connections are made before, so that the deadline is spent on waiting for the answer alone.
    await asyncio.gather(*(_ends(line, connector, PATIENT_S) for connector in connectors().values()))
    line.begin_anew()
    line.behaving(silent)
    told = await asyncio.gather(*(_ends(line, connector, IMPATIENT_S) for connector in connectors().values()))
    assert told == [dict.fromkeys(ends, (OutcomeUnknown, "timeout", None)) for ends in told]
    assert {exchange.outcome for exchange in line.exchanges} == {"unknown"}


@every_connector
async def test_a_refused_connection_is_certainly_not_sent(line: Line, connector: Connector) -> None:
    ends = await _ends(line, connector, PATIENT_S, a_dead_address())
    assert ends == dict.fromkeys(ends, (NotSent, "no_connection", None))
    assert [exchange.outcome for exchange in line.exchanges] == ["not_sent"] * len(ends)


@every_connector
async def test_what_moves_is_told_with_its_attempt_and_a_question_without(line: Line, connector: Connector) -> None:
    line.behaving(answering(503, HTML, "text/html"))
    await _ends(line, connector, PATIENT_S)
    told = {(exchange.operation, exchange.attempt) for exchange in line.exchanges}
    assert told == {(ask.operation, 1 if ask.moves else 0) for ask in asks_of(connector)}


@every_connector
async def test_a_cancelled_call_is_told_and_the_cancellation_goes_through(line: Line, connector: Connector) -> None:
    line.behaving(hanging)
    asks = [ask for ask in asks_of(connector) if not ask.kept]
    calls = [asyncio.create_task(ask.make(line.caller, line.integration(connector), PATIENT_S)) for ask in asks]
    await line.far.all_arrived(len(calls))
    for call in calls:
        call.cancel()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * len(calls)
    told = [(exchange.outcome, exchange.error) for exchange in line.exchanges]
    assert told == [("unknown", "cancelled")] * len(calls)


@every_connector
async def test_a_health_check_tells_a_dead_provider_from_a_failing_one(line: Line, connector: Connector) -> None:
    line.behaving(answering(503, HTML, "text/html"))
    failing = await line.caller.probe(line.integration(connector))
    dead = await line.caller.probe(line.integration(connector, a_dead_address()))
    assert (failing.status, dead.status) == ("unhealthy", "unhealthy")
    assert (failing.response_time_ms is None, dead.response_time_ms is None) == (False, True)
    assert [exchange.outcome for exchange in line.exchanges] == ["unhealthy", "unhealthy"]


@every_connector
async def test_a_hanging_provider_does_not_take_the_places_of_a_healthy_one(connector: Connector) -> None:
    operation = next(operation for operation in connector.operations if not operation.moves_money)
    limits: dict[tuple[str, str], RateLimit | None] = {(name, operation.name): None for name in ("ill", "healthy")}
    async with (
        far_side(answering(500)) as well,
        a_line(quota=4, admission_wait_s=0.05, rate_limits=limits) as line,
    ):
        line.behaving(hanging)

        async def one(integration_id: str, base_url: str) -> str:
            integration = replace(line.integration(connector, base_url), id=integration_id)
            command, attempt = command_for(connector, operation), attempt_for(connector, operation)
            prepared = line.caller.prepare(integration, operation, command, attempt)
            try:
                await line.caller.send(prepared, deadline_s=PATIENT_S)
            except HubError as error:
                return type(error).__name__
            return "answered"

        stuck = {asyncio.create_task(one("ill", line.far.base_url)) for _ in range(12)}
        await line.far.all_arrived(4)
        answered = await asyncio.gather(*(one("healthy", well.base_url) for _ in range(4)))
        assert answered == ["OutcomeUnknown"] * 4
        assert len(well.received) == 4
        ended: set[asyncio.Task[str]] = set()
        while len(ended) < 8:
            done, _ = await asyncio.wait(stuck - ended, return_when=asyncio.FIRST_COMPLETED)
            ended |= done
        line.far.leave.set()
        ends = await asyncio.gather(*stuck)
        assert sorted(ends) == ["OutcomeUnknown"] * 4 + ["Throttled"] * 8
        assert len(line.far.received) == 4
