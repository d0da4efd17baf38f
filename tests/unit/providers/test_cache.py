"""Answers that are kept in memory: for their time, for their account, once for all who ask at one time."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pydantic import SecretStr

from providers import cache
from providers.cache import ResponseCache
from providers.connector import Integration, Read, Request
from providers.outcome import ReadResult, Refusal
from providers.payments.iyzico import CONNECTOR
from schemas.errors import OutcomeUnknown
from schemas.payments import Reason
from schemas.payments.look_ups import BinLookUp, CardBin
from schemas.verdicts import FailureClass
from tests.virtual_time import turns

READ: Read[Any, Any, Any] = CONNECTOR.reads[0]
NO = ReadResult(refusal=Refusal(reason=Reason.INVALID_REQUEST, failure=FailureClass.INVALID, detail="no"))


def an_account(name: str = "main", secret: str = "s" * 20, **changed: Any) -> Integration:
    keys = {"api_key": SecretStr("k" * 20), "secret_key": SecretStr(secret)}
    given = {"environment": "sandbox", "base_url": "http://127.0.0.1:9", **changed}
    return Integration(name, CONNECTOR, given["environment"], given["base_url"], keys)


@dataclass
class Trial:
    now: float = 1000.0
    size: int = 100
    asked: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    fails: list[BaseException | ReadResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = ResponseCache(size=self.size, clock=lambda: self.now)
        self.gate.set()

    async def read(self, bin_number: str = "552608", account: Integration | None = None) -> Any:
        account = account or an_account()
        request = READ.build(BinLookUp(bin_number=bin_number))

        async def fetch() -> ReadResult:
            self.asked[f"{account.id}/{bin_number}"] += 1
            await self.gate.wait()
            if self.fails:
                failure = self.fails.pop(0)
                if isinstance(failure, BaseException):
                    raise failure
                return failure
            bank = f"{account.id} {self.asked.total()}"
            return ReadResult(answer=CardBin(bin_number=bin_number, bank=bank))

        result = await self.cache.get(account, READ, request, fetch)
        return result.refusal or getattr(result.answer, "bank", None)


async def test_an_answer_is_kept_for_its_time() -> None:
    trial = Trial()
    assert [await trial.read() for _ in range(3)] == ["main 1"] * 3
    trial.now += READ.ttl_s - 1
    assert await trial.read() == "main 1"
    trial.now += 1
    assert await trial.read() == "main 2"


async def test_equal_questions_at_one_time_are_one_call() -> None:
    trial = Trial()
    trial.gate.clear()
    readers = [asyncio.create_task(trial.read()) for _ in range(50)]
    await turns()
    trial.gate.set()
    assert await asyncio.gather(*readers) == ["main 1"] * 50
    assert trial.asked.total() == 1


async def test_a_cancelled_leader_hands_over_to_one_of_those_who_wait() -> None:
    trial = Trial()
    trial.gate.clear()
    readers = [asyncio.create_task(trial.read()) for _ in range(10)]
    await turns()
    readers[0].cancel()
    await turns()
    readers[1].cancel()
    await turns()
    trial.gate.set()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(end) for end in ends[:2]] == [asyncio.CancelledError] * 2
    assert ends[2:] == ["main 3"] * 8
    assert trial.asked.total() == 3


async def test_a_cancelled_waiter_takes_nothing_from_the_others() -> None:
    trial = Trial()
    trial.gate.clear()
    readers = [asyncio.create_task(trial.read()) for _ in range(5)]
    await turns()
    readers[3].cancel()
    await turns()
    trial.gate.set()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert ends[:3] + ends[4:] == ["main 1"] * 4
    assert trial.asked.total() == 1


async def test_a_failure_reaches_all_who_waited_and_is_not_kept() -> None:
    trial = Trial(fails=[OutcomeUnknown("?", provider="p", operation="bin", reason="timeout")])
    trial.gate.clear()
    readers = [asyncio.create_task(trial.read()) for _ in range(5)]
    await turns()
    trial.gate.set()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(end) for end in ends] == [OutcomeUnknown] * 5
    assert await trial.read() == "main 2"


async def test_a_refusal_is_handed_on_and_not_kept() -> None:
    trial = Trial(fails=[NO])
    assert await trial.read() == NO.refusal
    assert await trial.read() == "main 2"


async def test_two_accounts_in_turn_each_get_their_own() -> None:
    trial = Trial()
    accounts = [an_account("first"), an_account("second")]
    answers = [await trial.read(account=accounts[turn % 2]) for turn in range(100)]
    assert answers == ["first 1", "second 2"] * 50


async def test_one_call_for_each_account_and_lifetime() -> None:
    trial = Trial()
    for _ in range(10):
        for number in range(15):
            await trial.read(account=an_account(f"account-{number}"))
    assert (trial.asked.total(), set(trial.asked.values())) == (15, {1})


@pytest.mark.parametrize(
    "other",
    [
        an_account(secret="t" * 20),
        an_account(environment="production"),
        an_account(base_url="http://127.0.0.1:10"),
    ],
    ids=["credential", "environment", "address"],
)
async def test_what_another_account_would_answer_is_asked_anew(other: Integration) -> None:
    trial = Trial()
    await trial.read()
    assert await trial.read(account=other) == "main 2"


def test_the_key_shows_neither_secret_nor_question() -> None:
    request = Request("GET", "/x", query=(("b", "2"), ("a", "1")))
    key = cache._key(an_account(), READ, request)
    assert key == cache._key(an_account(), READ, Request("GET", "/x", query=(("a", "1"), ("b", "2"))))
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", [None, "bin"])
async def test_what_is_forgotten_is_asked_anew(name: str | None) -> None:
    trial = Trial()
    await trial.read()
    await trial.read(account=an_account("other"))
    await trial.cache.forget("main", name)
    assert await trial.read() == "main 3"
    assert await trial.read(account=an_account("other")) == "other 2"


async def test_forgetting_one_read_leaves_the_others() -> None:
    trial = Trial()
    await trial.read()
    await trial.cache.forget("main", "instalments")
    assert await trial.read() == "main 1"


async def test_what_was_asked_before_it_was_forgotten_is_neither_kept_nor_joined() -> None:
    trial = Trial()
    trial.gate.clear()
    early = asyncio.create_task(trial.read())
    await turns()
    await trial.cache.forget("main")
    late = asyncio.create_task(trial.read())
    await turns()
    assert trial.asked.total() == 2
    trial.gate.set()
    assert await early == "main 2"
    assert await late == "main 2"
    trial.asked.clear()
    await trial.read()
    assert trial.asked.total() == 0


async def test_the_answers_in_memory_are_bounded_and_the_least_asked_goes() -> None:
    trial = Trial(size=3)
    for bin_number in ("100000", "200000", "300000", "100000", "400000"):
        await trial.read(bin_number)
    trial.asked.clear()
    for bin_number in ("100000", "300000", "400000", "200000"):
        await trial.read(bin_number)
    assert dict(trial.asked) == {"main/200000": 1}


async def test_what_is_too_large_is_handed_on_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LARGEST_ANSWER_BYTES", 10)
    trial = Trial()
    assert [await trial.read() for _ in range(2)] == ["main 1", "main 2"]


async def test_hits_misses_and_joined_calls_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader]).get_meter("test")
    # The counter is global by the API's own design, and other tests count as well.
    monkeypatch.setattr(cache, "_REQUESTS", meter.create_counter("kolaj.provider.cache.requests"))
    trial = Trial()
    trial.gate.clear()
    readers = [asyncio.create_task(trial.read()) for _ in range(4)]
    await turns()
    trial.gate.set()
    await asyncio.gather(*readers)
    await trial.read()
    await trial.read()
    found = reader.get_metrics_data()
    assert found is not None
    [metric] = found.resource_metrics[0].scope_metrics[0].metrics
    counts = {
        dict(point.attributes or {})["kolaj.cache"]: getattr(point, "value", None) for point in metric.data.data_points
    }
    assert counts == {"miss": 1, "joined": 3, "hit": 2}
