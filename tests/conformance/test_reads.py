"""Every provider's declared reads: samples read as expected, building repeatable, strange answers never an answer."""

import re
from typing import Any

import pytest

from providers.caller import Caller
from providers.exchange import CallerSettings, Exchange
from providers.payments.paypal.look_ups import CallVerdict
from providers.registry import connectors
from providers.retry import RetryPolicy
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from schemas.payments import FoundDispute
from schemas.payments.look_ups import CardBin, InstalmentTable
from tests.conformance.contract import contract
from tests.conformance.far_side import answering, far_side
from tests.conformance.read_samples import ReadSample, read_samples
from tests.conformance.samples import an_integration
from tests.conformance.spoiling import ALIEN_TYPES, SPOILED, STATUSES, read, values_of, without_a_word
from tests.granted_tokens import granted_tokens

SAMPLES = read_samples()
ANSWERED = [sample for sample in SAMPLES if not {"raises", "refused"} & set(sample.expected)]


def _named(sample: ReadSample) -> str:
    return f"{sample.connector.name}/{sample.name}"


every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=_named)
every_answer = pytest.mark.parametrize("sample", ANSWERED, ids=_named)


@every_sample
def test_a_sample_is_read_as_expected(sample: ReadSample) -> None:
    told = _told(sample)
    assert {name: told[name] for name in sample.expected} == sample.expected
    assert len(sample.origin) >= len("made up")


@every_sample
def test_building_twice_gives_the_bytes_that_the_sample_answers(sample: ReadSample) -> None:
    first, second = sample.read.build(sample.question), sample.read.build(sample.question)
    assert first == second
    assert first.path == sample.path
    assert re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", first.template), sample.path), "names alone stand for others"


def test_every_read_has_a_sample_of_an_answer_a_no_and_no_use() -> None:
    for connector in connectors().values():
        for one in connector.reads:
            own = [sample for sample in SAMPLES if sample.read is one]
            assert {_kind(sample) for sample in own} >= {"answer", "refused", "unknown"}, one.name


@every_answer
def test_a_spoiled_body_is_no_answer(sample: ReadSample) -> None:
    assert [how for how, spoil in SPOILED.items() if _answers(sample, body=spoil(sample.answer.body))] == []


@every_answer
def test_an_answer_under_another_status_or_content_type_is_none(sample: ReadSample) -> None:
    assert [status for status in STATUSES if _answers(sample, status=status)] == []
    assert [alien for alien in ALIEN_TYPES if _answers(sample, headers={"content-type": alien})] == []


@every_answer
def test_a_word_of_another_kind_or_none_is_no_answer(sample: ReadSample) -> None:
    for word in sample.words:
        free = contract(sample.connector, "words")[word] is None
        for body in without_a_word(sample.answer.body, word):
            # Where the documents close no list, any text is taken, and nothing else.
            assert not _answers(sample, body=body) or (free and isinstance(next(values_of(read(body), word)), str))


def _answers(sample: ReadSample, **changed: Any) -> bool:
    try:
        return sample.judge(**changed).answer is not None
    except OutcomeUnknown:
        return False
    except Throttled:
        return False


@every_answer
async def test_over_a_socket_it_is_asked_once_where_it_may_be_kept_and_told_each_time(sample: ReadSample) -> None:
    exchanges: list[Exchange] = []
    settings = CallerSettings(retry=RetryPolicy(tries=1))
    async with (
        far_side(answering(200, sample.answer.body)) as far,
        Caller(
            on_exchange=exchanges.append, on_breaker=lambda _: None, settings=settings, tokens=granted_tokens()
        ) as caller,
    ):
        integration = an_integration(sample.connector, far.base_url)
        answers = [await caller.read(integration, sample.read.name, sample.question) for _ in range(3)]
        asked = 1 if sample.read.ttl_s else 3
        assert len(far.received) == asked
    assert answers == [sample.judge().answer] * 3
    assert [(exchange.outcome, exchange.attempt) for exchange in exchanges] == [("found", 0)] * asked


async def test_a_question_that_was_not_declared_is_never_asked() -> None:
    connector = connectors()["iyzico"]
    read = connector.reads[1]
    question = read.question.model_validate({"price": {"minor": 100, "currency": "TRY"}})
    async with Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller:
        for name in ("nothing", "bin"):
            with pytest.raises(NotSent, match="bin") as never:
                await caller.read(an_integration(connector), name, question)
            assert never.value.reason == "unsupported_operation"


def _kind(sample: ReadSample) -> str:
    told = _told(sample)
    if "raises" in told:
        return {"Throttled": "throttled"}.get(told["raises"], "unknown")
    return "refused" if "refused" in told else "answer"


def _told(sample: ReadSample) -> dict[str, Any]:
    try:
        result = sample.judge()
    except HubError as error:
        return {"raises": type(error).__name__, "reason": getattr(error, "reason", None)}
    if result.refusal is not None:
        return {"refused": result.refusal.reason.value, "their_code": result.refusal.their_code}
    match result.answer:
        case CardBin() | CallVerdict() | FoundDispute() as told:
            return told.model_dump(mode="json")
        case InstalmentTable(plans=plans):
            offers = [offer for plan in plans for offer in plan.offers]
            return {
                "offers": [f"{offer.number} x {offer.each} = {offer.total}" for offer in offers],
                "families": [plan.family for plan in plans],
            }
        case _:
            raise AssertionError("a new kind of answer: say here what its samples compare")
