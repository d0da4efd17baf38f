"""An account at PayPal: its token, its health, and PayPal's own word on a call."""

import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Answer, Unsayable
from providers.diagnosis import Cause
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.health import read_health
from providers.payments.paypal.look_ups import CallToVerify, build_verification
from providers.payments.paypal.signing import TokenReply, read_token, sign_token_request
from providers.tokens import Grant
from schemas.payments import (
    Reason,
)

KEYS = {"client_id": SecretStr("id-1"), "client_secret": SecretStr("secret-1"), "webhook_id": SecretStr("W1")}


def test_a_token_is_asked_for_with_both_keys() -> None:
    token = CONNECTOR.token
    assert token is not None
    headers = sign_token_request(token.request, KEYS, "n0nce")
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"id-1:secret-1"
    assert token.request.body == b"grant_type=client_credentials"


def test_a_token_is_good_for_as_long_as_they_say_and_a_day_at_most() -> None:
    for said, believed in ((32_400, 32_400), (10**9, 86_400)):
        grant = read_token(TokenReply.model_validate({"access_token": "A21AAF", "expires_in": said}))
        assert isinstance(grant, Grant)
        assert grant.expires_in_s == believed


def test_keys_that_they_do_not_know_are_a_no_and_all_else_is_none() -> None:
    refused = read_token(TokenReply.model_validate({"error": "invalid_client"}))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.INVALID_CREDENTIALS
    nothing: list[dict[str, Any]] = [
        {},
        {"access_token": "x"},
        {"access_token": "", "expires_in": 10},
        {"access_token": "a\nb", "expires_in": 10},
        {"access_token": "ü", "expires_in": 10},
        {"access_token": "x", "expires_in": 0},
        {"error": "unsupported_grant_type"},
        {"name": "INTERNAL_SERVER_ERROR", "debug_id": "d"},
    ]
    for said in nothing:
        with pytest.raises(UnusableAnswer):
            read_token(TokenReply.model_validate(said))


def _answer(status: int, parsed: Any) -> Answer:
    return Answer(status, {}, b"", parsed)


def test_health_sees_keys_rights_and_whether_the_webhook_is_the_accounts_own() -> None:
    assert read_health(_answer(200, {"webhooks": [{"id": "W0"}, {"id": "W1"}]}), "sandbox", KEYS) is None
    foreign = read_health(_answer(200, {"webhooks": [{"id": "W0"}]}), "sandbox", KEYS)
    assert foreign is not None
    assert foreign.cause is Cause.WRONG_KEY
    assert "W1" not in foreign.sentence
    for status, cause in (
        (401, Cause.WRONG_KEY),
        (429, Cause.THROTTLED),
        (503, Cause.PROVIDER_DOWN),
        (200, Cause.OTHER),
    ):
        trouble = read_health(_answer(status, {"name": "X"}), "sandbox", KEYS)
        assert trouble is not None
        assert trouble.cause is cause


ASKED = {
    "webhook_id": 'W"1',
    "transmission_id": "t",
    "transmission_time": "2026-01-01T00:00:05Z",
    "transmission_sig": "s",
    "cert_url": "https://api.paypal.com/v1/notifications/certs/C",
    "auth_algo": "SHA256withRSA",
}


def test_the_body_is_spliced_in_byte_for_byte() -> None:
    body = '{ "b": {}, "a": "Müşteri", "n": 1.50 }'
    sent = build_verification(CallToVerify(**ASKED, body=body)).body
    assert sent.endswith(b',"webhook_event":' + body.encode() + b"}")
    assert json.loads(sent)["webhook_id"] == 'W"1'


@pytest.mark.parametrize("body", ['{}},"webhook_id":"other"', "[]", "", "1", '{"a":1,"a":2}', '"x"', "\ud800"])
def test_a_body_that_is_not_one_object_is_not_asked_about(body: str) -> None:
    with pytest.raises(Unsayable):
        build_verification(CallToVerify(**ASKED, body=body))
