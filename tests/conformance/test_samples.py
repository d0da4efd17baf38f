"""Every provider's samples: read as expected, complete, and never a success once they are spoiled."""

from collections import defaultdict
from dataclasses import fields
from typing import Any

import pytest

from providers.connector import Answer, Connector
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.registry import connectors
from schemas.errors import HubError, OutcomeUnknown
from schemas.payments import Reason
from schemas.verdicts import Verdict
from tests.conformance.contract import contract
from tests.conformance.read_samples import read_samples
from tests.conformance.samples import Sample, samples
from tests.conformance.spoiling import (
    ALIEN_TYPES,
    SPOILED,
    STATUSES,
    read,
    values_of,
    with_one_leaf_changed,
    without_a_word,
)


def _holds_json(answer: Answer) -> bool:
    try:
        read(answer.body)
    except ValueError:
        return False
    return True


def _succeeds(sample: Sample, **changed: Any) -> bool:
    try:
        return _is_success(sample.read(**changed))
    except HubError:
        return False


def _is_success(result: Outcome | Finding) -> bool:
    if isinstance(result, Outcome):
        return result.verdict in {Verdict.ACCEPTED, Verdict.PENDING}
    outcome = result.outcome
    return result.sighting is Sighting.CONCLUDED and outcome is not None and outcome.verdict is not Verdict.UNKNOWN


def _is_told_by_a_failure(result: Outcome | Finding) -> bool:
    """A question's answer that has their code for a failure, and a page that they do not know."""
    if isinstance(result, Outcome):
        return result.their_code is not None
    outcome = result.outcome
    return outcome is not None and outcome.reason is Reason.PAGE_LOST and outcome.their_code is not None


SAMPLES = samples()
SUCCESSES = [sample for sample in SAMPLES if _holds_json(sample.answer) and _succeeds(sample)]
PAGES = [sample for sample in SAMPLES if sample.answer.body and not _holds_json(sample.answer) and _succeeds(sample)]
EMPTY = [sample for sample in SAMPLES if not sample.answer.body and _succeeds(sample)]
REFUSALS = [sample for sample in SAMPLES if _holds_json(sample.answer) and sample.verdict() == "refused"]
UNCODED = [sample for sample in SUCCESSES if not _is_told_by_a_failure(sample.read())]
"""Without those where their code for a failure is the answer, which may come under the status of a failure."""


def _by_operation(of: list[Sample]) -> pytest.MarkDecorator:
    """One case for each operation: what fails is told by the samples' names, and thousands of cases cost more."""
    own: dict[str, list[Sample]] = defaultdict(list)
    for sample in of:
        own[f"{sample.provider}/{sample.operation.name}"].append(sample)
    return pytest.mark.parametrize("own", [pytest.param(found, id=name) for name, found in own.items()])


LESS = (None, ProviderState.PENDING, ProviderState.NOT_FOUND)
"""States that settle nothing."""
every_sample = _by_operation(SAMPLES)
every_success = _by_operation(SUCCESSES)


@every_sample
def test_a_sample_is_read_as_expected(own: list[Sample]) -> None:
    read_as = {one.name: {name: told for name, told in _told(one).items() if name in one.expected} for one in own}
    assert read_as == {one.name: one.expected for one in own}


def test_a_sample_says_where_it_comes_from() -> None:
    assert [(one.provider, one.name) for one in SAMPLES if len(one.origin) < len("made up")] == []


@every_sample
def test_a_sample_is_answered_to_a_request_that_the_connector_builds(own: list[Sample]) -> None:
    for sample in own:
        inquiry = sample.operation.inquiry if sample.inquiry else None
        build = sample.operation.build if inquiry is None else inquiry.build
        assert build(sample.asked.command, sample.asked.attempt).path == sample.asked.request.path, sample.name


def test_every_operation_has_a_sample_of_every_verdict() -> None:
    for connector in connectors().values():
        for operation in connector.operations:
            own = [sample for sample in SAMPLES if sample.provider == connector.name]
            direct = {s.verdict() for s in own if s.operation is operation and not s.inquiry}
            asked = {s.name: s.verdict() for s in own if s.operation is operation and s.inquiry}
            assert direct >= ({"refused", "unknown"} if operation.moves_money else {"unknown"}), operation.name
            # What only begins something is never accepted: it waits for the payer.
            assert direct & {"accepted", "pending"}, operation.name
            if operation.inquiry is not None:
                assert "concluded" in asked.values(), operation.name
                # That it is not known there is mostly no word on it, but for what cannot move anything any more.
                assert "absent" in asked.values() or any(name.endswith("-inquiry-absent") for name in asked)
        verdicts = {sample.verdict() for sample in SAMPLES if sample.provider == connector.name}
        assert verdicts >= {"accepted", "unknown", "throttled"}
        if any(operation.moves_money for operation in connector.operations):
            assert verdicts >= {"refused", "pending"}


def test_every_success_names_the_words_that_decide_it() -> None:
    assert {word for sample in SUCCESSES for word in sample.words} >= {"status"}


@every_success
def test_a_spoiled_body_is_never_a_success(own: list[Sample]) -> None:
    tried = [(sample, how, spoil(sample.answer.body)) for sample in own for how, spoil in SPOILED.items()]
    assert [(sample.name, how) for sample, how, body in tried if _succeeds(sample, body=body)] == []


@_by_operation(REFUSALS)
def test_a_spoiled_body_is_never_a_refusal_after_which_nobody_asks(own: list[Sample]) -> None:
    tried = [(sample, how, spoil(sample.answer.body)) for sample in own for how, spoil in SPOILED.items()]
    assert [(sample.name, how) for sample, how, body in tried if not _is_unknown(sample, body)] == []


@_by_operation(UNCODED)
def test_a_success_body_under_another_status_is_never_a_success(own: list[Sample]) -> None:
    assert [(one.name, status) for one in own for status in STATUSES if _succeeds(one, status=status)] == []


@every_success
def test_a_success_body_of_another_content_type_is_never_a_success(own: list[Sample]) -> None:
    tried = [(one, alien) for one in own for alien in ALIEN_TYPES]
    assert [(one.name, alien) for one, alien in tried if _succeeds(one, headers={"content-type": alien})] == []


def test_a_page_that_is_empty_or_comes_under_another_status_or_type_is_never_a_success() -> None:
    """For operations whose answer is a page for the payer's browser."""
    for sample in PAGES:
        assert not _succeeds(sample, body=b""), sample.name
        assert not _succeeds(sample, body=b"<html><body>Service unavailable</body></html>"), sample.name
        assert [status for status in STATUSES if _succeeds(sample, status=status)] == [], sample.name
        types = ("text/plain", "application/json", "application/octet-stream", "image/png")
        assert [alien for alien in types if _succeeds(sample, headers={"content-type": alien})] == [], sample.name


def test_no_content_is_a_success_for_what_says_so_alone_and_under_no_other_status() -> None:
    for sample in EMPTY:
        assert sample.answer.status == 204, sample.name
        assert not sample.inquiry, sample.name
        assert sample.operation.no_content is not None, sample.name
        assert [status for status in (200, *STATUSES) if _succeeds(sample, status=status)] == [], sample.name
        assert [body for body in (b" ", b"{}", b"<html>") if _succeeds(sample, body=body)] == [], sample.name


@every_success
def test_a_status_word_that_was_never_met_is_never_a_success(own: list[Sample]) -> None:
    for sample in own:
        for word in sample.words:
            bodies = list(without_a_word(sample.answer.body, word))
            assert sample.answer.body not in bodies, sample.name
            assert [body for body in bodies if _succeeds(sample, body=body)] == [], (sample.name, word)


@every_success
def test_one_value_of_another_kind_never_changes_what_was_moved(own: list[Sample]) -> None:
    """What nobody reads is passed over; what is read makes the answer no success, or one that says the same or less."""
    wrong = []
    for sample in own:
        expected = _outcome(sample.read())
        free = {name for name, words in contract(connectors()[sample.provider], "words").items() if words is None}
        for where, body in with_one_leaf_changed(sample.answer.body, free):
            got = _success(sample, body)
            if got is None or (got.verdict is Verdict.ACCEPTED and got.state in LESS):
                continue
            if (got.verdict, got.amount, got.state) != (expected.verdict, expected.amount, expected.state):
                wrong.append((sample.name, where))
    assert wrong == []


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
def test_every_word_of_their_documents_for_a_field_that_decides_has_a_sample(connector: Connector) -> None:
    """`samples/contract/words.json` has them; a field with `null` decides by being there, and not by its word."""
    documented = contract(connector, "words")
    own = [(s.words, s.answer) for s in SAMPLES if s.provider == connector.name]
    own += [(s.words, s.answer) for s in read_samples() if s.connector is connector]
    deciding = {word for words, _ in own for word in words}
    assert deciding <= set(documented), "say in words.json what else may stand there by their documents"
    trees = [read(answer.body) for _, answer in own if _holds_json(answer)]
    for name in deciding:
        met = {str(value) for tree in trees for value in values_of(tree, name)}
        assert set(documented[name] or ()) - met == set(), f"{name}: add a sample of each"


def _is_unknown(sample: Sample, body: bytes) -> bool:
    try:
        sample.read(body=body)
    except OutcomeUnknown:
        return True
    return False


def _success(sample: Sample, body: bytes) -> Outcome | None:
    try:
        result = sample.read(body=body)
    except HubError:
        return None
    return _outcome(result) if _is_success(result) else None


def _outcome(result: Outcome | Finding) -> Outcome:
    outcome = result if isinstance(result, Outcome) else result.outcome
    assert outcome is not None
    return outcome


def _told(sample: Sample) -> dict[str, Any]:
    try:
        result = sample.read()
    except HubError as error:
        return {"raises": type(error).__name__, "reason": getattr(error, "reason", None)}
    told: dict[str, Any] = {}
    if isinstance(result, Finding):
        told["sighting"] = result.sighting.value
        if result.outcome is None:
            return told
        result = result.outcome
    told |= {field.name: getattr(result, field.name) for field in fields(result)}
    told["code"] = result.their_code
    told["line"] = result.lines[0].provider_reference if result.lines else None
    return {name: str(value) if value is not None else None for name, value in told.items()}
