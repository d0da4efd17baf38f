"""An operation that is under way or done already: its answers are never taken for a no, and its key is its own."""

import json
from typing import Any

import pytest

from providers.connector import Answer, Operation, Request
from providers.judging import Asked, judge_outcome, signal_of
from providers.outcome import Finding, Outcome, Sighting
from providers.payments.iyzico import CONNECTOR
from providers.reference import reference_for
from schemas.errors import OutcomeUnknown, Throttled
from schemas.ids import new_id
from schemas.payments import CreatePayment
from schemas.verdicts import Verdict
from tests.builders import lira
from tests.conformance.samples import NOW, STATE_FOR, a_command, an_attempt, an_integration, attempt_for, samples

MOVING = [pytest.param(it, id=it.name) for it in CONNECTOR.operations if it.moves_money]
WITH_AMOUNT = [
    pytest.param(it, id=it.name)
    for it in CONNECTOR.operations
    if it.moves_money and it.command in STATE_FOR and it.name not in {"cancel", "approve_line"}
]
UNDER_WAY_OR_DONE = {"8514": None, "10203": "APPROVED_COMPLETED"}


def judged(operation: Operation[Any, Any], body: bytes, status: int = 200) -> Outcome:
    answer = Answer(status, {"content-type": "application/json"}, body, None)
    return judge_outcome(_asked(operation), operation, answer)


def _asked(operation: Operation[Any, Any]) -> Asked:
    attempt = attempt_for(CONNECTOR, operation)
    command = a_command(operation.command)
    return Asked(
        integration=an_integration(CONNECTOR),
        operation=operation.name,
        request=operation.build(command, attempt),
        now=NOW,
        command=command,
        attempt=attempt,
    )


def a_failure(code: str, group: str | None = None) -> bytes:
    return json.dumps({"status": "failure", "errorCode": code, "errorGroup": group}).encode()


@pytest.mark.parametrize("operation", MOVING)
def test_under_way_or_done_already_is_asked_about(operation: Operation[Any, Any]) -> None:
    verdicts = {code: judged(operation, a_failure(code, group)).verdict for code, group in UNDER_WAY_OR_DONE.items()}
    assert verdicts == dict.fromkeys(UNDER_WAY_OR_DONE, Verdict.UNKNOWN)


@pytest.mark.parametrize("operation", MOVING)
def test_a_key_in_use_is_asked_about_whatever_the_body_says(operation: Operation[Any, Any]) -> None:
    for body in (a_failure("10051"), a_failure("8514"), b'{"status":"success"}', b"", b"<html>"):
        unknown = _unknown(operation, body, 409)
        assert unknown.reason == "in_progress", body
        assert signal_of(unknown).value == "neutral", body


@pytest.mark.parametrize("operation", MOVING)
def test_an_empty_or_unreadable_success_is_neither_yes_nor_no(operation: Operation[Any, Any]) -> None:
    for body in (b"", b" ", b"{}", b"[]", b"null", b'{"status":"success"}', b"<html>", b"\xff"):
        assert _unknown(operation, body), body


@pytest.mark.parametrize("operation", MOVING)
def test_a_fault_of_theirs_with_a_body_that_refuses_is_no_refusal(operation: Operation[Any, Any]) -> None:
    for status in (500, 502, 503, 504, 599):
        assert _unknown(operation, a_failure("10051"), status), status


def _unknown(operation: Operation[Any, Any], body: bytes, status: int = 200) -> OutcomeUnknown:
    with pytest.raises(OutcomeUnknown) as unknown:
        judged(operation, body, status)
    return unknown.value


def test_a_capture_that_somebody_else_made_is_found_by_asking() -> None:
    """The answer to our own capture says "done already"; the payment itself says that it is captured."""
    operation = next(it for it in CONNECTOR.operations if it.name == "capture")
    assert judged(operation, a_failure("10203", "APPROVED_COMPLETED")).verdict is Verdict.UNKNOWN
    [found] = [sample.read() for sample in samples() if sample.name == "capture-inquiry-captured"]
    assert isinstance(found, Finding)
    assert found.sighting is Sighting.CONCLUDED
    assert found.outcome is not None
    assert found.outcome.verdict is Verdict.ACCEPTED


def test_a_limit_is_told_apart_from_everything_else() -> None:
    operation = CONNECTOR.operations[0]
    with pytest.raises(Throttled):
        judged(operation, a_failure("50000"))
    with pytest.raises(Throttled):
        judged(operation, b"", status=429)


def test_the_reference_is_the_operations_identity() -> None:
    """Two commands for one order, the second after the basket changed: two references, two digests."""
    first, second = new_id(), new_id()
    references = {
        reference_for(command, "a", number, CONNECTOR.reference) for command in (first, second) for number in (1, 2)
    }
    assert len(references) == 4
    assert reference_for(first, "a", 1, CONNECTOR.reference) in references


@pytest.mark.parametrize("operation", WITH_AMOUNT)
def test_another_amount_under_the_same_reference_is_another_request(operation: Operation[Any, Any]) -> None:
    """What is compared before a resend is the whole request, so that an old key never carries a new amount."""
    begins = issubclass(operation.command, CreatePayment)
    requests = set()
    for amount in ("10.00", "12.00"):
        price = lira(amount)
        changed = {"amount": price} if begins else {}
        command = a_command(operation.command, **changed)
        request: Request = operation.build(command, an_attempt(STATE_FOR[operation.command], price))
        requests.add(request.body)
    assert len(requests) == 2
