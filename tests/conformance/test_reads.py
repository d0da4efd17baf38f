"""Every provider's declared reads: samples read as expected, building repeatable, strange answers never an answer."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import providers
from providers.caller import Caller
from providers.connector import Answer, Connector, Read
from providers.exchange import CallerSettings, Exchange
from providers.judging import Case, judge_read
from providers.outcome import ReadResult
from providers.registry import connectors
from providers.retry import RetryPolicy
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from schemas.payments.look_ups import CardBin, InstalmentTable
from tests.conformance.far_side import a_dead_address, answering, far_side
from tests.conformance.samples import an_integration

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    connector: Connector
    name: str
    origin: str
    read: Read[Any, Any, Any]
    question: Any
    path: str
    answer: Answer
    words: tuple[str, ...]
    expected: dict[str, Any]

    def judge(self, **changed: Any) -> ReadResult:
        request = self.read.build(self.question)
        case = Case(integration=an_integration(self.connector), operation=self.read.name, request=request, now=NOW)
        return judge_read(case, self.read, self.question, replace(self.answer, **changed))


def _samples() -> list[Any]:
    found = []
    for connector in connectors().values():
        folder = Path(providers.__path__[0]) / f"{connector.kind}s" / connector.name / "samples" / "reads"
        for path in sorted(folder.glob("*.json")):
            said = json.loads(path.read_text())
            read = connector.read_named(said["read"])
            assert read is not None, path
            answer = Answer(said["status"], {"content-type": said["content_type"]}, said["body"].encode(), None)
            question = read.question.model_validate_json(json.dumps(said["question"]))
            sample = Sample(
                connector,
                path.stem,
                said["origin"],
                read,
                question,
                said["path"],
                answer,
                tuple(said["words"]),
                said["expected"],
            )
            found.append(pytest.param(sample, id=f"{connector.name}/{path.stem}"))
    return found


SAMPLES = _samples()
ANSWERED = [sample for sample in SAMPLES if not {"raises", "refused"} & set(sample.values[0].expected)]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_read_as_expected(sample: Sample) -> None:
    told = _told(sample)
    assert {name: told[name] for name in sample.expected} == sample.expected
    assert len(sample.origin) >= len("made up")


@pytest.mark.parametrize("sample", SAMPLES)
def test_building_twice_gives_the_bytes_that_the_sample_answers(sample: Sample) -> None:
    first, second = sample.read.build(sample.question), sample.read.build(sample.question)
    assert first == second
    assert (first.path, first.template) == (sample.path, sample.path)


def test_every_read_has_a_sample_of_an_answer_a_no_and_no_use() -> None:
    for connector in connectors().values():
        for read in connector.reads:
            own = [sample.values[0] for sample in SAMPLES if sample.values[0].read is read]
            assert {_kind(sample) for sample in own} >= {"answer", "refused", "unknown"}, read.name


SPOILED: dict[str, Any] = {
    "empty": lambda _body: b"",
    "html": lambda _body: b"<html><h1>OK</h1></html>",
    "cut in half": lambda body: body[: len(body) // 2],
    "two values": lambda body: body + body,
    "a list": lambda body: b"[" + body + b"]",
    "null": lambda _body: b"null",
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("sample", ANSWERED)
def test_a_spoiled_body_is_no_answer(sample: Sample, how: str) -> None:
    with pytest.raises(OutcomeUnknown):
        sample.judge(body=SPOILED[how](sample.answer.body))


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429, 500, 503])
@pytest.mark.parametrize("sample", ANSWERED)
def test_an_answer_under_another_status_is_none(sample: Sample, status: int) -> None:
    with pytest.raises(HubError):
        sample.judge(status=status)


@pytest.mark.parametrize(("sample", "word"), [(it, word) for it in ANSWERED for word in it.values[0].words])
@pytest.mark.parametrize("spelled", [b"null", b"[]", b"true"])
def test_a_word_that_was_never_met_is_no_answer(sample: Any, word: str, spelled: bytes) -> None:
    one: Sample = sample.values[0]
    name = word.encode()
    spoiled, count = re.subn(rb'"%s":"[^"]*"' % name, b'"%s":%s' % (name, spelled), one.answer.body)
    assert count > 0
    with pytest.raises(OutcomeUnknown):
        one.judge(body=spoiled)


@pytest.mark.parametrize("sample", ANSWERED)
async def test_over_a_socket_it_is_asked_once_and_told_once(sample: Sample) -> None:
    exchanges: list[Exchange] = []
    settings = CallerSettings(retry=RetryPolicy(tries=1))
    async with (
        far_side(answering(200, sample.answer.body)) as far,
        Caller(on_exchange=exchanges.append, on_breaker=lambda _: None, settings=settings) as caller,
    ):
        integration = an_integration(sample.connector, far.base_url)
        answers = [await caller.read(integration, sample.read.name, sample.question) for _ in range(3)]
        assert len(far.received) == 1
    assert answers == [sample.judge().answer] * 3
    assert [(exchange.outcome, exchange.attempt) for exchange in exchanges] == [("found", 0)]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (answering(429, b"", "text/plain", Retry_After="17"), Throttled),
        (answering(503, b"<html>", "text/html"), OutcomeUnknown),
        (answering(200, b""), OutcomeUnknown),
    ],
    ids=["429", "503", "empty"],
)
@pytest.mark.parametrize("sample", ANSWERED)
async def test_over_a_socket_a_failure_has_its_class_and_is_not_kept(
    sample: Sample, behaviour: Any, error: type[HubError]
) -> None:
    settings = CallerSettings(retry=RetryPolicy(tries=1))
    async with (
        far_side(behaviour) as far,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=settings) as caller,
    ):
        integration = an_integration(sample.connector, far.base_url)
        with pytest.raises(error):
            await caller.read(integration, sample.read.name, sample.question)
        dead = replace(integration, base_url=a_dead_address(), id="dead")
        with pytest.raises(NotSent):
            await caller.read(dead, sample.read.name, sample.question)
        far.behaviour = answering(200, sample.answer.body)
        other = replace(integration, id="other")
        assert await caller.read(other, sample.read.name, sample.question) == sample.judge().answer


async def test_a_question_that_was_not_declared_is_never_asked() -> None:
    connector = connectors()["iyzico"]
    read = connector.reads[1]
    question = read.question.model_validate({"price": {"minor": 100, "currency": "TRY"}})
    async with Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller:
        for name in ("nothing", "bin"):
            with pytest.raises(NotSent, match="bin") as never:
                await caller.read(an_integration(connector), name, question)
            assert never.value.reason == "unsupported_operation"


def _kind(sample: Sample) -> str:
    told = _told(sample)
    if "raises" in told:
        return {"Throttled": "throttled"}.get(told["raises"], "unknown")
    return "refused" if "refused" in told else "answer"


def _told(sample: Sample) -> dict[str, Any]:
    try:
        result = sample.judge()
    except HubError as error:
        return {"raises": type(error).__name__, "reason": getattr(error, "reason", None)}
    if result.refusal is not None:
        return {"refused": result.refusal.reason.value, "their_code": result.refusal.their_code}
    match result.answer:
        case CardBin() as card:
            return card.model_dump(mode="json")
        case InstalmentTable(plans=plans):
            offers = [offer for plan in plans for offer in plan.offers]
            return {
                "offers": [f"{offer.number} x {offer.each} = {offer.total}" for offer in offers],
                "families": [plan.family for plan in plans],
            }
        case _:
            raise AssertionError("a new kind of answer: say here what its samples compare")
