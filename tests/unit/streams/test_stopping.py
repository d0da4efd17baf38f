import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.kafka import stop


async def test_a_client_that_cancels_itself_while_it_stops_does_not_cancel_who_stopped_it() -> None:
    async def stopping() -> None:
        fetching = asyncio.ensure_future(asyncio.Event().wait())
        fetching.cancel()
        await fetching

    await stop(stopping)


@pytest.mark.parametrize("failure", [KafkaConnectionError(), OSError(), TimeoutError()])
async def test_a_broker_that_is_away_is_no_reason_not_to_have_stopped(failure: Exception) -> None:
    async def stopping() -> None:
        raise failure

    await stop(stopping)


async def test_a_mistake_while_stopping_is_told() -> None:
    async def stopping() -> None:
        raise LookupError("a mistake")

    with pytest.raises(LookupError):
        await stop(stopping)


async def test_who_is_cancelled_while_stopping_a_client_is_cancelled() -> None:
    begun = asyncio.Event()

    async def stopping() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(stop(stopping))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
