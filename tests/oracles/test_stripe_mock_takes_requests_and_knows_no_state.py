"""stripe-mock checks paths, names, types and words of every request, and types of what is read; not what comes of them.

It answers with samples, whatever was sent before: no states, errors, repeats, limits. Of what stands in brackets it
checks types and words, and lets names pass that Stripe has not; those are held to the library's own types in
`test_stripe_requests.py`. Its specification is 2026-08-26.dahlia, one version older than the one that is sent.
"""

from dataclasses import replace
from typing import Final

import pytest

from providers.authenticating import authenticate
from providers.connector import Answer, Request
from providers.payments.stripe import CONNECTOR
from providers.reading import parse_json, read_wire
from providers.transport import Flight, Transport
from tests.conformance.samples import an_integration
from tests.oracles.built import built_by
from tests.oracles.stripe_mock import TIMEOUT_S
from tests.stripe_calls import requests

# Where it is built first, the first test waits for that.
pytestmark = pytest.mark.timeout(2 * TIMEOUT_S)

KEY: Final = "sk_test_kolaj000000000000000001"


BUILT: Final = built_by(CONNECTOR)
REQUESTS: Final = {name: request for name, (request, _) in BUILT.items()} | requests()
CREATE: Final = requests()["create"]
CAPTURE: Final = requests()["capture"]


async def answered(transport: Transport, url: str, request: Request, key: str = KEY) -> Answer:
    leaving = authenticate(CONNECTOR, request, an_integration(CONNECTOR, secret_key=key).credentials, "n0nce")
    return await transport.exchange(
        url,
        leaving.request,
        leaving.headers,
        deadline_s=60,
        flight=Flight(),
        provider="stripe",
        operation=request.template,
    )


@pytest.mark.parametrize("name", REQUESTS)
async def test_stripes_specification_takes_every_request(transport: Transport, stripe_mock_url: str, name: str) -> None:
    answer = await answered(transport, stripe_mock_url, REQUESTS[name])
    assert answer.status == 200, answer.body.decode()


def _more(request: Request, field: bytes) -> Request:
    return replace(request, body=b"&".join((request.body, field)))


WRONG: Final = {
    "a name that Stripe has not": (_more(CREATE, b"kolaj=1"), 400),
    "a word that Stripe has not": (
        replace(CREATE, body=CREATE.body.replace(b"capture_method=automatic_async", b"capture_method=later")),
        400,
    ),
    "a word that Stripe has not, inside": (
        _more(CREATE, b"payment_method_options[card][request_three_d_secure]=never"),
        400,
    ),
    "a text in place of a number": (
        replace(CAPTURE, body=CAPTURE.body.replace(b"to_capture=1250", b"to_capture=12.50")),
        400,
    ),
    "nothing of what has to be there": (replace(CREATE, body=b"confirm=true"), 400),
    "a path that Stripe has not": (replace(CREATE, path="/v1/payment_intentions"), 404),
    "another way to write it": (
        replace(CREATE, headers=(*CREATE.headers[:-2], ("Content-Type", "application/json"), CREATE.headers[-1])),
        400,
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_is_wrong_is_not_taken(transport: Transport, stripe_mock_url: str, name: str) -> None:
    request, status = WRONG[name]
    assert request not in REQUESTS.values()
    assert (await answered(transport, stripe_mock_url, request)).status == status


async def test_a_request_without_a_key_is_not_taken(transport: Transport, stripe_mock_url: str) -> None:
    assert (await answered(transport, stripe_mock_url, CREATE, key="")).status == 401


@pytest.mark.parametrize("name", BUILT)
async def test_the_fields_that_are_read_have_the_types_of_the_specifications_samples(
    transport: Transport, stripe_mock_url: str, name: str
) -> None:
    request, read_by = BUILT[name]
    answer = await answered(transport, stripe_mock_url, request)
    assert CONNECTOR.frame is not None
    told = parse_json(answer.body)
    reply = read_wire({**told, **CONNECTOR.frame(answer)}, read_by.reply)
    assert reply.model_dump(exclude_unset=True).keys() > {"http"}
