"""Every provider's samples: read as expected, complete, and never a success once they are spoiled."""

import re
from dataclasses import fields
from typing import Any

import pytest

from providers.outcome import Finding, Outcome, Sighting
from providers.registry import connectors
from schemas.errors import HubError
from schemas.verdicts import Verdict
from tests.conformance.samples import Sample, samples

SAMPLES = samples()
SUCCESSES = [sample for sample in SAMPLES if sample.verdict() in {"accepted", "pending", "concluded"}]


def _named(sample: Sample) -> str:
    return f"{sample.provider}/{sample.name}"


@pytest.mark.parametrize("sample", SAMPLES, ids=_named)
def test_a_sample_is_read_as_expected(sample: Sample) -> None:
    assert {name: told for name, told in _told(sample).items() if name in sample.expected} == sample.expected


@pytest.mark.parametrize("sample", SAMPLES, ids=_named)
def test_a_sample_says_where_it_comes_from(sample: Sample) -> None:
    assert len(sample.origin) >= len("made up")


@pytest.mark.parametrize("sample", SAMPLES, ids=_named)
def test_a_sample_is_answered_to_a_request_that_the_connector_builds(sample: Sample) -> None:
    inquiry = sample.operation.inquiry if sample.inquiry else None
    build = sample.operation.build if inquiry is None else inquiry.build
    assert build(sample.asked.command, sample.asked.attempt).path == sample.asked.request.path


def test_every_operation_has_a_sample_of_every_verdict() -> None:
    for connector in connectors().values():
        for operation in connector.operations:
            own = [sample for sample in SAMPLES if sample.provider == connector.name]
            direct = {s.verdict() for s in own if s.operation is operation and not s.inquiry}
            asked = {s.name: s.verdict() for s in own if s.operation is operation and s.inquiry}
            assert direct >= ({"refused", "unknown"} if operation.moves_money else {"unknown"})
            # What only begins something is never accepted: it waits for the payer.
            assert direct & {"accepted", "pending"}
            if operation.inquiry is not None:
                assert "concluded" in asked.values()
                # That it is not known there is mostly no word on it, but for what cannot move anything any more.
                assert "absent" in asked.values() or any(name.endswith("-inquiry-absent") for name in asked)
        verdicts = {sample.verdict() for sample in SAMPLES if sample.provider == connector.name}
        assert verdicts >= {"accepted", "unknown", "throttled"}
        if any(operation.moves_money for operation in connector.operations):
            assert verdicts >= {"refused", "pending"}


def test_every_success_names_the_words_that_decide_it() -> None:
    assert {word for sample in SUCCESSES for word in sample.words} >= {"status"}


SPOILED: dict[str, Any] = {
    "empty": lambda _body: b"",
    "blank": lambda _body: b"  \n",
    "html": lambda _body: b"<!DOCTYPE html><html><body><h1>OK</h1></body></html>",
    "cut in half": lambda body: body[: len(body) // 2],
    "last brace missing": lambda body: body[:-1],
    "two values": lambda body: body + body,
    "a name twice": lambda body: b'{"status":"success",' + body[1:],
    "not an object": lambda body: b"[" + body + b"]",
    "null": lambda _body: b"null",
    "a word": lambda _body: b'"success"',
    "NaN": lambda body: body[:-1] + b',"more":NaN}',
    "a number of absurd size": lambda body: body[:-1] + b',"more":1e999999999}',
    "an integer of thousands of digits": lambda body: body[:-1] + b',"more":' + b"9" * 5000 + b"}",
    "nested too deeply": lambda body: body[:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not utf-8": lambda body: body[:-1] + b',"more":"\xff\xfe"}',
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("sample", SUCCESSES, ids=_named)
def test_a_spoiled_body_is_never_a_success(sample: Sample, how: str) -> None:
    _expect_no_success(sample, body=SPOILED[how](sample.answer.body))


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("sample", SUCCESSES, ids=_named)
def test_a_success_body_under_another_status_is_never_a_success(sample: Sample, status: int) -> None:
    _expect_no_success(sample, status=status)


@pytest.mark.parametrize("sample", SUCCESSES, ids=_named)
def test_a_success_body_of_another_content_type_is_never_a_success(sample: Sample) -> None:
    _expect_no_success(sample, headers={"content-type": "text/html; charset=utf-8"})


@pytest.mark.parametrize(
    ("sample", "word"),
    [pytest.param(s, w, id=f"{_named(s)}-{w}") for s in SUCCESSES for w in s.words],
)
@pytest.mark.parametrize("spelled", [b'"NEVER_MET"', b"null", b"true", b"[]", b"9"])
def test_a_status_word_that_was_never_met_is_never_a_success(sample: Sample, word: str, spelled: bytes) -> None:
    spoiled, count = re.subn(
        rb'"%s":("[^"]*"|-?[0-9]+)' % word.encode(), b'"%s":%s' % (word.encode(), spelled), sample.answer.body
    )
    assert count > 0
    _expect_no_success(sample, body=spoiled)


def _expect_no_success(sample: Sample, **changed: Any) -> None:
    try:
        result = sample.read(**changed)
    except HubError:
        return
    assert not _is_success(result)


def _is_success(result: Outcome | Finding) -> bool:
    if isinstance(result, Outcome):
        return result.verdict in {Verdict.ACCEPTED, Verdict.PENDING}
    outcome = result.outcome
    return result.sighting is Sighting.CONCLUDED and outcome is not None and outcome.verdict is not Verdict.UNKNOWN


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
