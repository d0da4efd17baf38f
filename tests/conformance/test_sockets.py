"""Every provider over real sockets: what goes wrong there comes out under the right class, told once each time."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from providers.authenticating import authenticate
from providers.caller import Caller
from providers.connector import Attempt, Command, Connector, Operation, RateLimit
from providers.exchange import CallerSettings, Exchange
from providers.registry import connectors
from providers.retry import RetryPolicy
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from tests.builders import lira
from tests.conformance.far_side import Behaviour, a_dead_address, answering, cutting_off, far_side, hanging, resetting
from tests.conformance.samples import (
    CARD,
    COMMAND_ID,
    a_command,
    a_payment,
    an_integration,
    attempt_for,
    with_a_card,
)


def _operations(*, moving_only: bool = False) -> list[Any]:
    return [
        pytest.param(connector, operation, id=f"{connector.name}/{operation.name}")
        for connector in connectors().values()
        for operation in connector.operations
        if operation.moves_money or not moving_only
    ]


OPERATIONS = _operations()
MOVING = _operations(moving_only=True)
HTML = b"<html><body>Bad gateway</body></html>"

UNKNOWN: dict[str, tuple[Behaviour, str]] = {
    "500": (answering(500, b'{"status":"failure","errorCode":"10051"}'), "server_error"),
    "502 html": (answering(502, HTML, "text/html"), "server_error"),
    "302": (answering(302, b"", Location="/elsewhere"), "unusable_answer"),
    "html": (answering(200, HTML, "text/html"), "unusable_answer"),
    "empty": (answering(200), "unusable_answer"),
    "reset": (resetting, "connection_lost"),
    "cut off": (cutting_off, "connection_lost"),
    "too large": (answering(200, b'{"status":"success","more":"' + b"x" * 200_000 + b'"}'), "answer_too_large"),
}


@asynccontextmanager
async def a_caller(exchanges: list[Exchange], **settings: Any) -> AsyncIterator[Caller]:
    given = {"retry": RetryPolicy(tries=1), "max_answer_bytes": 100_000, "rate_limits": {}, **settings}
    async with Caller(
        on_exchange=exchanges.append, on_breaker=lambda _: None, settings=CallerSettings(**given)
    ) as caller:
        yield caller


async def _send(
    caller: Caller, connector: Connector, operation: Operation[Any, Any], base_url: str, deadline_s: float = 5
) -> Any:
    integration = an_integration(connector, base_url)
    prepared = caller.prepare(integration, operation, a_command(operation.command), attempt_for(connector, operation))
    async with caller.admission(integration, operation):
        return await caller.send(prepared, deadline_s=deadline_s)


@pytest.mark.parametrize("how", UNKNOWN)
@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
async def test_an_answer_that_is_no_use_leaves_the_outcome_unknown(
    connector: Connector, operation: Operation[Any, Any], how: str
) -> None:
    behaviour, reason = UNKNOWN[how]
    exchanges: list[Exchange] = []
    async with far_side(behaviour) as far, a_caller(exchanges) as caller:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _send(caller, connector, operation, far.base_url)
        assert unknown.value.reason == reason
        assert len(far.received) == 1
    assert [exchange.outcome for exchange in exchanges] == ["unknown"]


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
async def test_silence_until_the_deadline_leaves_the_outcome_unknown(
    connector: Connector, operation: Operation[Any, Any]
) -> None:
    exchanges: list[Exchange] = []
    async with far_side(hanging) as far, a_caller(exchanges) as caller:
        with pytest.raises(OutcomeUnknown) as unknown:
            await _send(caller, connector, operation, far.base_url, deadline_s=0.1)
        assert unknown.value.reason == "timeout"
    assert [exchange.outcome for exchange in exchanges] == ["unknown"]


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
async def test_a_refused_connection_is_certainly_not_sent(connector: Connector, operation: Operation[Any, Any]) -> None:
    exchanges: list[Exchange] = []
    async with a_caller(exchanges) as caller:
        with pytest.raises(NotSent) as refused:
            await _send(caller, connector, operation, a_dead_address())
        assert refused.value.reason == "no_connection"
    assert [exchange.outcome for exchange in exchanges] == ["not_sent"]


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
async def test_429_is_throttled_with_the_pause_that_was_asked_for(
    connector: Connector, operation: Operation[Any, Any]
) -> None:
    exchanges: list[Exchange] = []
    async with (
        far_side(answering(429, b"Too many requests", "text/plain", Retry_After="17")) as far,
        a_caller(exchanges) as caller,
    ):
        with pytest.raises(Throttled) as throttled:
            await _send(caller, connector, operation, far.base_url)
        assert throttled.value.retry_after_s == 17
    assert [exchange.outcome for exchange in exchanges] == ["throttled"]


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
async def test_a_cancelled_call_is_told_and_the_cancellation_goes_through(
    connector: Connector, operation: Operation[Any, Any]
) -> None:
    exchanges: list[Exchange] = []
    async with far_side(hanging) as far, a_caller(exchanges) as caller:
        call = asyncio.create_task(_send(caller, connector, operation, far.base_url))
        await far.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert [(exchange.outcome, exchange.error) for exchange in exchanges] == [("unknown", "cancelled")]


@pytest.mark.parametrize(("connector", "operation"), MOVING)
async def test_an_inquiry_that_finds_nothing_out_says_so(connector: Connector, operation: Operation[Any, Any]) -> None:
    exchanges: list[Exchange] = []
    command, attempt = a_command(operation.command), attempt_for(connector, operation)
    async with far_side(answering(503, HTML, "text/html")) as far, a_caller(exchanges) as caller:
        with pytest.raises(OutcomeUnknown):
            await caller.inquire(an_integration(connector, far.base_url), operation, command, attempt, deadline_s=5)
    assert [(exchange.outcome, exchange.attempt) for exchange in exchanges] == [("unknown", 0)]
    assert exchanges[0].operation == f"{operation.name}_inquiry"


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
async def test_a_health_check_tells_a_dead_provider_from_a_failing_one(connector: Connector) -> None:
    exchanges: list[Exchange] = []
    async with far_side(answering(503, HTML, "text/html")) as far, a_caller(exchanges) as caller:
        failing = await caller.probe(an_integration(connector, far.base_url))
        dead = await caller.probe(an_integration(connector, a_dead_address()))
    assert (failing.status, dead.status) == ("unhealthy", "unhealthy")
    assert (failing.response_time_ms is None, dead.response_time_ms is None) == (False, True)
    assert [exchange.outcome for exchange in exchanges] == ["unhealthy", "unhealthy"]


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
async def test_nothing_secret_surfaces_even_when_the_far_side_repeats_it_all(
    connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    """The far side answers with every header and byte it got, once as text, once inside JSON, once inside a failure."""
    exchanges: list[Exchange] = []
    texts: list[str] = []
    proofs: set[str] = set()
    caplog.set_level(logging.DEBUG)
    async with far_side(hanging) as far, a_caller(exchanges, breaker_threshold=1000) as caller:
        integration = an_integration(connector, far.base_url)
        for behaviour, (command, attempt) in product(
            (_repeating("text/plain"), _repeating("application/json"), resetting), _telling(connector)
        ):
            far.behaviour = behaviour
            operation = connector.operation_for(type(command))
            assert operation is not None
            async with caller.admission(integration, operation):
                prepared = caller.prepare(integration, operation, command, attempt)
                proofs |= {*authenticate(connector, prepared.request, integration.credentials, "n0nce").proofs}
                try:
                    texts.append(repr(await caller.send(prepared, deadline_s=5)))
                except HubError as error:
                    texts += [repr(error), "".join(traceback.format_exception(error))]
    assert exchanges
    texts += [repr(exchange) + exchange.request_text + exchange.response_text for exchange in exchanges]
    texts += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    secrets = [
        *(secret.get_secret_value() for secret in integration.credentials.values()),
        *("5526080000000006", "ISIL CAGRI", '"917"', "2031", "tok-Zq7", "cust-Zq8"),
        *proofs,
        *("isil@example.com", "74300864791", "+905350000000", "85.34.78.112", "Kadıköy", "Çağrı"),
        "IYZWSv2",
    ]
    assert [secret for secret in secrets for text in texts if secret in text] == []


def _repeating(content_type: str) -> Behaviour:
    async def answer(far: Any, request: Any) -> Any:
        body = far.received[-1][2] or b"{}"
        heads = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
        if content_type == "text/plain":
            # As an error page would: the body in the middle of other text, cut off before its end.
            text = f"cannot process {heads} {body[:-10].decode()}".encode()
            return await answering(200, text, content_type)(far, request)
        repeated = b',"status":"failure","errorCode":"11","errorMessage":%s}' % json.dumps(heads).encode()
        inside = body[:-1] if body.startswith(b"{") else b'{"form":%s' % json.dumps(body.decode()).encode()
        return await answering(200, inside + repeated, content_type)(far, request)

    return answer


def _telling(connector: Connector) -> list[tuple[Command, Attempt]]:
    """A command of each kind that the connector performs, and one with a card where it takes cards."""
    told = [(a_command(one.command), attempt_for(connector, one)) for one in connector.operations]
    if "card_ref" in connector.methods:
        told.append((with_a_card(), Attempt(COMMAND_ID, 1, "k0laj0001", a_payment(), lira("12.50"), CARD)))
    return told


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
async def test_a_hanging_provider_does_not_take_the_places_of_a_healthy_one(connector: Connector) -> None:
    operation = next(operation for operation in connector.operations if not operation.moves_money)
    exchanges: list[Exchange] = []
    healthy_answer = answering(500)
    limits: dict[tuple[str, str], RateLimit | None] = {
        (name, operation.name): None for name in (f"{connector.name}-main", "healthy")
    }
    async with (
        far_side(hanging) as ill,
        far_side(healthy_answer) as well,
        a_caller(exchanges, quota=4, admission_wait_s=0.05, rate_limits=limits, breaker_threshold=1000) as caller,
    ):

        async def one(integration_id: str, base_url: str) -> str:
            integration = replace(an_integration(connector, base_url), id=integration_id)
            command, attempt = a_command(operation.command), attempt_for(connector, operation)
            prepared = caller.prepare(integration, operation, command, attempt)
            try:
                await caller.send(prepared, deadline_s=2)
            except HubError as error:
                return type(error).__name__
            return "answered"

        stuck = [asyncio.create_task(one(f"{connector.name}-main", ill.base_url)) for _ in range(12)]
        await ill.arrived.wait()
        answered = await asyncio.gather(*(one("healthy", well.base_url) for _ in range(4)))
        assert answered == ["OutcomeUnknown"] * 4
        assert len(well.received) == 4
        ends = await asyncio.gather(*stuck)
    assert sorted(ends) == ["OutcomeUnknown"] * 4 + ["Throttled"] * 8
    assert len(ill.received) == 4
