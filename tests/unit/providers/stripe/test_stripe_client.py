"""Stripe's own client sends the very forms that ours does, and reads the answers that ours reads."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import stripe

from providers.connector import Request
from providers.payments.stripe import CONNECTOR
from providers.payments.stripe.signing import sign
from tests.conformance.samples import Sample, an_integration, samples
from tests.stripe_calls import requests

KEY = "sk_test_kolaj000000000000000001"
REQUESTS = requests()
ANSWERS = {
    (one.operation.name, one.inquiry, one.answer.status): one
    for one in samples()
    if one.provider == "stripe" and one.answer.status < 500
}
"""One of each operation, inquiry and status."""
ERRORS: dict[int, type[stripe.StripeError]] = {
    400: stripe.InvalidRequestError,
    401: stripe.AuthenticationError,
    402: stripe.CardError,
    403: stripe.PermissionError,
    404: stripe.InvalidRequestError,
    409: stripe.APIError,
    429: stripe.RateLimitError,
}


@dataclass(slots=True)
class Far:
    """What was received last, and what is answered."""

    base_url: str = ""
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 200
    answer: bytes = b"{}"


@contextmanager
def a_far_side() -> Iterator[Far]:
    far = Far()

    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            far.method, far.path = self.command, self.path
            far.headers = {name.lower(): value for name, value in self.headers.items()}
            far.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self.send_response(far.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(far.answer)))
            self.end_headers()
            self.wfile.write(far.answer)

        do_GET = do_POST = do_DELETE = _take  # noqa: N815 - the names are http.server's

        def log_message(self, *_told: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    far.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield far
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    with a_far_side() as made:
        yield made


@pytest.fixture(scope="module")
def client(far: Far) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, base_addresses={"api": far.base_url}, max_network_retries=0)


@pytest.mark.parametrize("name", REQUESTS)
def test_their_client_sends_what_ours_does(far: Far, client: stripe.StripeClient, name: str) -> None:
    far.status, far.answer = 200, b"{}"
    ours = REQUESTS[name]
    headers = dict(ours.headers)
    keyed = {"idempotency_key": headers["Idempotency-Key"]} if "Idempotency-Key" in headers else {}
    client.raw_request(ours.method.lower(), ours.path, **_nested(ours), **keyed)
    sent = urlsplit(far.path)
    assert (far.method, sent.path) == (ours.method, ours.path)
    # `raw_request` takes a field of this name for a word about its own use, and does not send it.
    fields = [one for one in [*ours.query, *parse_qsl(ours.body.decode())] if one[0] != "usage"]
    assert sorted(parse_qsl(sent.query) + parse_qsl(far.body)) == sorted(fields)
    assert far.headers["stripe-version"] == headers["Stripe-Version"]
    if ours.method == "POST":
        assert far.headers["idempotency-key"] == headers["Idempotency-Key"]
        assert far.headers["content-type"] == headers["Content-Type"]
    credentials = an_integration(CONNECTOR, secret_key=KEY).credentials
    assert far.headers["authorization"] == sign(ours, credentials, "n0nce")["Authorization"]


@pytest.mark.parametrize("sample", ANSWERS.values(), ids=lambda sample: sample.name)
def test_their_client_reads_each_sample_as_an_object_or_the_same_error(
    far: Far, client: stripe.StripeClient, sample: Sample
) -> None:
    far.status, far.answer = sample.answer.status, sample.answer.body
    told = json.loads(sample.answer.body)
    if far.status < 400:
        found = client.deserialize(client.raw_request("get", "/v1/anything"), api_mode="V1")
        assert found.to_dict().get("object") == told["object"]
        return
    with pytest.raises(stripe.StripeError) as refused:
        client.raw_request("get", "/v1/anything")
    assert refused.value.json_body == told
    if told["error"]["type"] == "invalid_request_error" and far.status in ERRORS:
        assert isinstance(refused.value, ERRORS[far.status])


def _nested(request: Request) -> dict[str, Any]:
    """The fields of a request as parameters of theirs: brackets with numbers become lists, others objects."""
    root: dict[str, Any] = {}
    for name, value in [*request.query, *parse_qsl(request.body.decode())]:
        *steps, last = re.findall(r"[^\[\]]+", name)
        node = root
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = value
    return {name: _listed(child) for name, child in root.items()}


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if all(step.isdigit() for step in node):
        return [_listed(child) for child in node.values()]
    return {name: _listed(child) for name, child in node.items()}
