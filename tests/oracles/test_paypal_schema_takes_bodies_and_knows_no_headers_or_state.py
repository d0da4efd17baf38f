"""PayPal's published schema checks every body that is sent, and every sample that says it was composed from the schema.

It cannot check headers, queries and tokens, nor states, repeats and what comes of a request; unknown names pass, as
they do at PayPal. The files are of February 2024.
"""

import json
from typing import Any, Final

import pytest

from providers.connector import Answer, Request
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.errors import ISSUES
from tests.conformance.read_samples import read_samples
from tests.conformance.samples import samples
from tests.oracles.built import built_by
from tests.oracles.paypal_specification import Specification
from tests.paypal_requests import requests

REQUESTS: Final = {name: request for name, (request, _) in built_by(CONNECTOR).items()} | requests()
_TOO_LONG: Final = "$.payment_source.paypal.experience_context.landing_page: 'GUEST_CHECKOUT' is too long"
_OF_AN_EVENT: Final = [
    "$.webhook_event.id: Tried to write read-only property with WH-TEST-0002",
    "$.webhook_event.event_type: Tried to write read-only property with CHECKOUT.ORDER.APPROVED",
]
CONTRADICTIONS: Final = {"create on page": [_TOO_LONG], "create on page, kept": [_TOO_LONG]}
"""Where the specification contradicts itself: the word is its own, and longer than it allows."""


def _composed() -> dict[str, tuple[str, str, Answer]]:
    """Method, path and answer of each sample that says it was composed from the schema."""
    found: dict[str, tuple[str, str, Answer]] = {
        one.name: (one.asked.request.method, one.asked.request.path, one.answer)
        for one in samples()
        if one.provider == CONNECTOR.name and one.origin.startswith("composed from PayPal's published schema")
    }
    return found | {
        one.name: (one.read.build(one.question).method, one.path, one.answer)
        for one in read_samples()
        if one.connector is CONNECTOR and one.origin.startswith("composed from PayPal's published schema")
    }


COMPOSED: Final = _composed()


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in {"read verified_call", "token"}])
def test_the_schema_takes_every_body(paypal_specification: Specification, name: str) -> None:
    assert _faults(paypal_specification, REQUESTS[name]) == CONTRADICTIONS.get(name, [])


def test_a_received_event_is_passed_on_with_the_fields_that_are_only_read_elsewhere(
    paypal_specification: Specification,
) -> None:
    faults = _faults(paypal_specification, REQUESTS["read verified_call"])
    assert faults[:2] == _OF_AN_EVENT
    assert all(fault.startswith("$.webhook_event.") for fault in faults)


@pytest.mark.parametrize("name", COMPOSED)
def test_a_sample_is_composed_as_it_says(paypal_specification: Specification, name: str) -> None:
    method, path, answer = COMPOSED[name]
    assert paypal_specification.faults_of_answer(method, path, answer.status, answer.body) == []


@pytest.mark.parametrize(
    ("said", "instead", "fault"),
    [
        ('"CAPTURE"', '"LATER"', "'LATER' is not one of ['CAPTURE', 'AUTHORIZE']"),
        ('"10.99"', "10.99", "10.99 is not of type 'string'"),
        ('"purchase_units"', '"purchases"', "'purchase_units' is a required property"),
        ('"EUR"', '"EURO"', "'EURO' is too long"),
    ],
)
def test_a_body_that_is_wrong_is_not_taken(
    paypal_specification: Specification, said: str, instead: str, fault: str
) -> None:
    sent = REQUESTS["create with the wallet"]
    body = sent.body.decode().replace(said, instead).encode()
    assert body != sent.body
    faults = paypal_specification.faults_of_request(sent.method, sent.path, body)
    assert [one for one in faults if fault in one] != []


def test_an_answer_that_is_wrong_is_not_taken(paypal_specification: Specification) -> None:
    method, path, answer = COMPOSED["create-charged"]
    told: dict[str, Any] = json.loads(answer.body) | {"status": "DONE"}
    faults = paypal_specification.faults_of_answer(method, path, 201, json.dumps(told).encode())
    assert [fault for fault in faults if fault.startswith("$.status: 'DONE' is not one of")] != []
    with pytest.raises(LookupError):
        paypal_specification.faults_of_answer(method, f"{path}/more/than/there/is", 201, answer.body)


def test_every_issue_that_is_known_is_a_word_of_theirs(paypal_specification: Specification) -> None:
    """But for two, which PayPal's other documents and reports of its users know."""
    assert ISSUES.keys() - paypal_specification.issues() == {"PAYMENT_DENIED", "PAYPAL_REQUEST_ID_PREVIOUSLY_USED"}


def _faults(specification: Specification, request: Request) -> list[str]:
    return specification.faults_of_request(request.method, request.path, request.body)
