"""Answers to reads that workers share through a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from infra.local.redis import LocalRedis
from providers.cache import ResponseCache
from providers.connector import Integration, Read
from providers.outcome import ReadResult
from providers.payments.iyzico import CONNECTOR
from providers.shared_store import SharedStore
from schemas.payments.look_ups import BinLookUp, CardBin
from tests.stack import fresh_name
from tests.virtual_time import turns

READ: Read[Any, Any, Any] = CONNECTOR.reads[0]
KEYS = {"api_key": SecretStr("key-of-the-shop-0001"), "secret_key": SecretStr("secret-of-the-shop-0001")}
ACCOUNT = Integration("main", CONNECTOR, "sandbox", "http://127.0.0.1:9", KEYS)


@dataclass
class Worker:
    store: SharedStore
    cache: ResponseCache
    now: list[float]
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, bin_number: str = "552608") -> str | None:
        async def fetch() -> ReadResult:
            self.asked += 1
            await self.gate.wait()
            return ReadResult(answer=CardBin(bin_number=bin_number, bank=f"answer {self.asked}"))

        request = READ.build(BinLookUp(bin_number=bin_number))
        result = await self.cache.get(ACCOUNT, READ, request, fetch)
        assert isinstance(result.answer, CardBin)
        return result.answer.bank


@asynccontextmanager
async def two(redis: LocalRedis) -> AsyncIterator[tuple[Worker, Worker]]:
    namespace, now = fresh_name("c"), [1000.0]

    def clock() -> float:
        return now[0]

    async with (
        SharedStore(redis.url, namespace=namespace, deadline_s=5, clock=clock) as one,
        SharedStore(redis.url, namespace=namespace, deadline_s=5, clock=clock) as other,
    ):
        workers = [Worker(store, ResponseCache(size=10, clock=clock, store=store), now) for store in (one, other)]
        for worker in workers:
            worker.gate.set()
        yield workers[0], workers[1]


async def test_what_one_worker_asked_the_other_has(redis: LocalRedis) -> None:
    async with two(redis) as (one, other):
        assert [await one.read(), await other.read(), await one.read()] == ["answer 1"] * 3
        assert (one.asked, other.asked) == (1, 0)


async def test_what_one_worker_forgets_the_other_asks_anew(redis: LocalRedis) -> None:
    async with two(redis) as (one, other):
        await one.read()
        await other.cache.forget("main", "bin")
        await other.read()
        assert (one.asked, other.asked) == (1, 1)
        await one.cache.forget("main")
        await other.read()
        assert other.asked == 2


async def test_an_answer_that_comes_after_it_was_forgotten_elsewhere_is_not_kept(redis: LocalRedis) -> None:
    async with two(redis) as (one, other):
        one.gate.clear()
        reading = asyncio.create_task(one.read())
        while one.asked == 0:
            await turns(1)
        await other.cache.forget("main")
        one.gate.set()
        await reading
        await other.read()
        assert other.asked == 1


async def test_equal_questions_of_one_worker_are_one_call(redis: LocalRedis) -> None:
    async with two(redis) as (one, _):
        assert set(await asyncio.gather(*(one.read() for _ in range(50)))) == {"answer 1"}
        assert one.asked == 1


async def test_while_redis_is_away_answers_are_kept_in_memory_and_what_is_forgotten_is_told_later(
    redis: LocalRedis,
) -> None:
    async with two(redis) as (one, other):
        await redis.stop()
        try:
            assert [await one.read(), await one.read()] == ["answer 1"] * 2
            await one.cache.forget("main")
            assert await one.read() == "answer 2"
        finally:
            await redis.start()
        await other.store.put(other.store.key("reads", "warm"), b"x", ttl_s=60)
        assert await other.read() == "answer 1"
        one.now[0] += 2
        # The answer that the other kept before this worker could tell is void now.
        await one.read()
        assert (one.asked, other.asked) == (3, 1)
        await other.read()
        assert other.asked == 1


async def test_neither_secret_nor_question_lies_in_redis(redis: LocalRedis) -> None:
    async with two(redis) as (one, _):
        await one.read("552608")
        client = Redis.from_url(redis.url.get_secret_value(), protocol=2)
        try:
            keys = [key async for key in client.scan_iter(match=f"{one.store.key()}*")]
            held = str([keys, await client.mget(keys)])
        finally:
            await client.aclose()
    assert len(keys) == 1
    assert "552608" not in str(keys)
    assert "answer 1" in held
    assert "of-the-shop" not in held


async def test_a_value_of_another_release_is_asked_anew(redis: LocalRedis) -> None:
    async with two(redis) as (one, other):
        await one.read()
        client = Redis.from_url(redis.url.get_secret_value(), protocol=2)
        try:
            [key] = [key async for key in client.scan_iter(match=f"{one.store.key()}*")]
            await client.set(key, b'r0.0\n{"of":"another release"}')
        finally:
            await client.aclose()
        assert await other.read() == "answer 1"
        assert other.asked == 1
