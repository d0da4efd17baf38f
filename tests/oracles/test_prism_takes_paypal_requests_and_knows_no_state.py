"""Prism checks path, query, headers, token, content type and body of every request to PayPal's published specification.

It cannot check states, repeats, names that PayPal has not, or what comes of a request: it answers with examples. It
skips in silence what it cannot compile, so that it must be seen to refuse what is wrong.
"""

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from pydantic import SecretStr

from providers.authenticating import authenticate
from providers.connector import Answer, Request
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.signing import sign_token_request
from providers.transport import Flight, Transport
from tests.conformance.samples import an_integration
from tests.oracles.node_modules import INSTALL_S
from tests.paypal_requests import requests

# Where it is installed first, the first test waits for that.
pytestmark = pytest.mark.timeout(2 * INSTALL_S)

REQUESTS: Final = requests()
CREATE: Final = REQUESTS["create with the wallet"]
_LANDING: Final = "payment_source.paypal.experience_context.landing_page"
_TOO_LONG: Final = f"Request body property {_LANDING} must NOT have more than 13 characters"
CONTRADICTIONS: Final = {"create on page": [_TOO_LONG], "create on page, kept": [_TOO_LONG]}
"""Where the specification contradicts itself: the word is its own, and longer than it allows."""


async def answered(transport: Transport, url: str, request: Request, *, known: bool = True) -> Answer:
    """The answer to a request with a token, where the account is `known`."""
    credentials = an_integration(CONNECTOR).credentials
    leaving = authenticate(CONNECTOR, request, credentials, "n0nce", SecretStr("A21AAF") if known else None)
    headers = sign_token_request(request, credentials, "n0nce") if "oauth2" in request.path else leaving.headers
    return await transport.exchange(
        url,
        leaving.request,
        headers,
        deadline_s=60,
        flight=Flight(),
        provider=CONNECTOR.name,
        operation=request.template,
    )


def violations(answer: Answer) -> list[str]:
    """What it found wrong with the request; what it finds wrong with its own examples is no matter of ours."""
    told = answer.headers.get("sl-violations", "[]").removeprefix("Too many violations! ")
    if '"location":["request"' not in told:
        return []  # a list of what is wrong with its example may be cut off, and is no JSON then
    found: list[dict[str, Any]] = json.loads(told)
    return [one["message"] for one in found if one["location"][0] == "request"]


@pytest.mark.parametrize("name", REQUESTS)
async def test_paypals_specification_takes_every_request(transport: Transport, prism_url: str, name: str) -> None:
    answer = await answered(transport, prism_url, REQUESTS[name])
    assert violations(answer) == CONTRADICTIONS.get(name, [])
    assert name in CONTRADICTIONS or answer.status < 300


def _with_body(request: Request, said: str, instead: str) -> Request:
    body = request.body.decode().replace(said, instead)
    assert body != request.body.decode()
    return replace(request, body=body.encode())


LISTED: Final = REQUESTS["list transactions"]
WRONG: Final = {
    "a word that PayPal has not": (_with_body(CREATE, '"CAPTURE"', '"LATER"'), 422),
    "a number in place of a text": (_with_body(CREATE, '"10.99"', "10.99"), 422),
    "nothing of what has to be there": (replace(CREATE, body=b"{}"), 422),
    "a page of no size": (replace(LISTED, query=(*LISTED.query[:-2], ("page_size", "many"), ("page", "1"))), 422),
    "another way to write it": (
        replace(CREATE, headers=(("Content-Type", "text/plain"), ("PayPal-Request-Id", "k0laj0001"))),
        422,
    ),
    "a path that PayPal has not": (replace(CREATE, path="/v2/checkout/sessions"), 404),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_is_wrong_is_not_taken(transport: Transport, prism_url: str, name: str) -> None:
    request, status = WRONG[name]
    assert (await answered(transport, prism_url, request)).status == status


async def test_a_request_without_a_token_is_not_taken(transport: Transport, prism_url: str) -> None:
    assert (await answered(transport, prism_url, CREATE, known=False)).status == 401
