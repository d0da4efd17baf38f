"""What the call machinery does with an integration that changes under way."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from providers.connection_settings import ConnectionSettings
from schemas.errors import NotSent
from schemas.verdicts import Verdict
from tests.unit.providers.refunds import ILL, WELL, a_trial


async def test_a_changed_integration_begins_with_breakers_and_limits_of_its_own() -> None:
    async with a_trial(turned=True) as trial:
        older = trial.integration
        trial.far.behaviour = ILL
        await trial.fail(3)
        with pytest.raises(NotSent):
            await trial.refund()
        trial.integration = replace(older, revision=2, settings=ConnectionSettings(breaker_threshold=1))
        trial.far.behaviour = WELL
        await trial.refund()
        trial.integration = older
        await trial.refund()  # one that was taken up before the change follows it, and takes nothing back
        trial.integration = replace(older, revision=2, settings=ConnectionSettings(breaker_threshold=1))
        trial.far.behaviour = ILL
        await trial.fail(1)
        with pytest.raises(NotSent):
            await trial.refund()


async def test_a_removed_integration_is_let_go_of_once_its_calls_have_ended() -> None:
    async with a_trial() as trial:
        arrived, answering_now = asyncio.Event(), asyncio.Event()

        async def slow(far: Any, request: Any) -> Any:
            arrived.set()
            await answering_now.wait()
            return await WELL(far, request)

        trial.far.behaviour = slow
        call = asyncio.create_task(trial.refund())
        await arrived.wait()
        retiring = asyncio.create_task(trial.caller.retire(trial.integration.id))
        answering_now.set()
        assert (await call).verdict is Verdict.ACCEPTED
        await retiring
        assert trial.caller.limits() == ()


async def test_an_integration_that_lacks_something_is_not_called_and_says_what() -> None:
    async with a_trial() as trial:
        health = await trial.caller.probe(replace(trial.integration, lacks="m1 has no credentials yet"))
        assert (health.status, health.cause, health.sentence) == ("unhealthy", "not_ready", "m1 has no credentials yet")
        assert trial.far.received == []
