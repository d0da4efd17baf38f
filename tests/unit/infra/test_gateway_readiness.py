"""Whether a gateway is ready, from what was last heard of each thing that it needs."""

import asyncio

import pytest

from infra.gateway.readiness import Readiness, Watched
from schemas.errors import StoreError


async def well() -> str:
    return "ok"


async def away() -> str:
    raise StoreError("Kafka at 10.1.2.3:9092 does not answer")


async def looked_at(watched: Watched, *, stopping: bool = False) -> Readiness:
    """After one look."""
    stop = asyncio.Event()
    if stopping:
        stop.set()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await watched.run()
    return Readiness({"kafka": watched}, stop)


async def test_what_is_well_is_ready() -> None:
    readiness = await looked_at(Watched(well, 60))
    assert (readiness.problem, readiness.states) == (None, {"kafka": "ok"})


async def test_what_failed_is_named_for_the_log_and_not_for_everybody() -> None:
    readiness = await looked_at(Watched(away, 60))
    assert readiness.problem == "kafka: Kafka at 10.1.2.3:9092 does not answer"
    assert readiness.states == {"kafka": "failed"}


async def test_what_is_told_for_information_makes_nothing_unready() -> None:
    readiness = await looked_at(Watched(away, 60, needed=False))
    assert (readiness.problem, readiness.states) == (None, {"kafka": "unknown"})


async def test_an_answer_that_is_too_old_is_none() -> None:
    async def hangs() -> str:
        await asyncio.Event().wait()
        return "ok"

    readiness = await looked_at(Watched(hangs, every_s=0, slow_s=0))
    assert readiness.problem is not None
    assert readiness.problem.startswith("kafka: no answer for ")


async def test_a_process_that_stops_is_not_ready_however_well_all_is() -> None:
    readiness = await looked_at(Watched(well, 60), stopping=True)
    assert readiness.problem == "the process is stopping"
