import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from infra.local import LocalStack
from streams.publisher import partition_of
from tests.integration.consumer_bench import Bench, a_bench, each_key_in_order, ended, has_committed, until


@pytest_asyncio.fixture
async def wide(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path, partitions=6) as made:
        yield made


async def a_head_that_hangs(bench: Bench, **orders: Any) -> tuple[asyncio.subprocess.Process, list[tuple[str, str]]]:
    """Partition 0: some records end, the next one hangs, and all behind it but its own key's have ended.

    Returns:
        The worker, and what was published.
    """
    here = [key for key in (f"k{number}" for number in range(40)) if partition_of(key.encode(), 6) == 0]
    before = [(here[0], f"before{number}") for number in range(5)]
    after = [(key, f"after-{key}-{number}") for number in range(30) for key in here[1:]]
    records = [*before, (here[0], "gate"), *after, (here[0], "behind")]
    await bench.publish(records)
    worker = await bench.start(**orders)
    await ended(bench, len(records) - 2)
    return worker, records


async def test_a_worker_killed_behind_a_slow_head_loses_nothing(wide: Bench) -> None:
    worker, records = await a_head_that_hangs(wide)
    elsewhere = next(f"e{number}" for number in range(100) if partition_of(f"e{number}".encode(), 6) == 1)
    for number in (1, 2):
        # Whatever could be committed of partition 0 goes with the commit that this record of another one causes.
        records.append((elsewhere, f"last{number}"))
        await wide.publish(records[-1:])
        await until(wide, has_committed(wide, _stands_at(1, number)))
    assert (await wide.committed())[0] == 5
    worker.kill()
    await worker.wait()
    wide.gate.touch()
    await wide.start()
    await ended(wide, len(records))
    each_key_in_order(records, wide.lines())


async def test_acknowledging_straight_through_loses_the_head_which_is_what_the_window_is_for(wide: Bench) -> None:
    worker, records = await a_head_that_hangs(wide, straight=True)
    await until(wide, has_committed(wide, lambda at: at[0] > 5))
    worker.kill()
    await worker.wait()
    wide.gate.touch()
    await wide.start()
    # Once a new record of the same key has ended, all before it that anybody will ever read has ended too.
    key = next(key for key, value in records if value == "gate")
    await wide.publish([(key, "after-the-restart")])
    await until(wide, lambda: any(line.value == "after-the-restart" for line in wide.lines()))
    lost = {value for _, value in records} - {line.value for line in wide.lines()}
    assert "gate" in lost


async def test_kills_in_mid_stream_lose_nothing_and_each_key_keeps_its_order(wide: Bench) -> None:
    records = [(f"k{number % 90}", f"{number}") for number in range(3_000)]
    await wide.publish(records)
    for enough in (600, 1_500):
        worker = await wide.start(takes_s=0.01)
        await ended(wide, enough)
        worker.kill()
        await worker.wait()
    await wide.start()
    await ended(wide, len(records))
    each_key_in_order(records, wide.lines())


async def test_workers_that_join_and_leave_lose_nothing_and_each_key_keeps_its_order(wide: Bench) -> None:
    records = [(f"k{number % 90}", f"{number}") for number in range(6_000)]
    await wide.publish(records)
    first = await wide.start(takes_s=0.02, in_flight=20)
    await ended(wide, 300)
    second = await wide.start(takes_s=0.02, in_flight=20)
    await until(wide, _stable(wide, 2))
    so_far = len(wide.lines())
    await ended(wide, min(so_far + 500, len(records)))
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0
    await until(wide, _stable(wide, 1))
    await wide.start(in_flight=20)
    await until(wide, _stable(wide, 2))
    await ended(wide, len(records))
    assert first.returncode is None
    each_key_in_order(records, wide.lines())


def _stable(bench: Bench, members: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await bench.state() == ("Stable", members)

    return look


def _stands_at(partition: int, offset: int) -> Callable[[dict[int, int]], bool]:
    return lambda at: at[partition] == offset
