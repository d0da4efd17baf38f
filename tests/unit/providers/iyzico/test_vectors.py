"""iyzico's signatures against vectors made with its own client library and its published examples."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Answer, Request
from providers.notices import Call, Notice, Refused
from providers.payments.iyzico.amounts import canonical
from providers.payments.iyzico.settings import IyzicoSettings
from providers.payments.iyzico.signing import CALLBACK_3DS, SIGNED, sign, signature_of, verify
from providers.payments.iyzico.webhook import read_notice
from providers.payments.iyzico.webhook import signature_of as notice_signature
from providers.reading import parse_json

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "iyzico.json").read_text())
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY: str = VECTORS["keys"]["secret_key"]
KEYS = {name: SecretStr(value) for name, value in VECTORS["keys"].items()}


def _named(section: str) -> list[Any]:
    return [pytest.param(vector, id=vector.get("name")) for vector in VECTORS[section]]


@pytest.mark.parametrize("vector", _named("request_v2"))
def test_a_request_is_signed_over_its_exact_bytes(vector: dict[str, Any]) -> None:
    request = Request(vector["method"], vector["signed_path"], vector["body"].encode())
    headers = sign(request, KEYS, vector["random_key"])
    assert headers["Authorization"] == vector["expected_authorization"]
    assert headers["x-iyzi-rnd"] == vector["random_key"]


def test_the_query_is_not_signed() -> None:
    bare = Request("GET", "/v2/reporting/payment/details")
    asked = Request("GET", "/v2/reporting/payment/details", query=(("paymentId", "1"),))
    assert sign(bare, KEYS, "r") == sign(asked, KEYS, "r")


@pytest.mark.parametrize("vector", _named("response_signature"))
def test_an_answer_is_verified_by_its_path(vector: dict[str, Any]) -> None:
    secret = vector.get("secret_key", VECTORS["keys"]["secret_key"]).encode()
    raw = vector.get("raw_response_amounts", {})
    values = dict(zip(vector["field_order"], vector["values"], strict=True)) | raw
    for path in vector["applies_to"]:
        order = SIGNED.get(path, CALLBACK_3DS)
        assert list(order) == vector["field_order"]
        assert signature_of(order, values, secret) == vector["expected_signature"]


def _payment(paid: str, price: str, signature: str) -> bytes:
    return (
        f'{{"status":"success","paymentId":"22416035","currency":"TRY","basketId":"B67835",'
        f'"conversationId":"conv-0012","paidPrice":{paid},"price":{price},"signature":"{signature}"}}'
    ).encode()


def _verify(body: bytes) -> str | None:
    answer = Answer(200, {}, body, parse_json(body))
    return verify(Request("POST", "/payment/auth"), answer, KEYS)


RIGHT = {vector["name"]: vector["right_signature"] for vector in VECTORS["response_signature_negative"]}


@pytest.mark.parametrize(("paid", "price"), [("100", "100"), ("100.0", "1E+2"), ("100.00000000", "100.00")])
def test_amounts_are_signed_without_zeros_whatever_their_form(paid: str, price: str) -> None:
    assert _verify(_payment(paid, price, RIGHT["payment_exponent"])) is None


@pytest.mark.parametrize("vector", _named("response_signature_negative"))
def test_a_signature_over_another_form_is_refused(vector: dict[str, Any]) -> None:
    assert _verify(_payment("100.0", "100", vector["wrong_signature"])) is not None


def test_one_changed_amount_is_refused() -> None:
    assert _verify(_payment("100.01", "100", RIGHT["payment_exponent"])) is not None


@pytest.mark.parametrize("vector", VECTORS["signature_amount_canonical"], ids=lambda vector: vector["response_value"])
def test_an_amount_is_canonical(vector: dict[str, str]) -> None:
    assert canonical(vector["response_value"]) == vector["signed_as"]
    number = parse_json(vector["response_value"].encode())
    assert canonical(number) == vector["signed_as"]


def _notice(vector: dict[str, Any], **headers: str) -> Any:
    return _read(headers, json.dumps(vector["payload"]).encode(), vector.get("secret_key", KEY), of=vector)


def _read(headers: Mapping[str, str], body: bytes, *secrets: str, of: Mapping[str, Any]) -> Notice | Refused:
    sets = tuple({"secret_key": SecretStr(secret)} for secret in secrets)
    return read_notice(Call(headers, body, sets, NOON, IyzicoSettings(merchant_id=of.get("merchant_id"))))


@pytest.mark.parametrize("vector", _named("webhook_v3"))
def test_a_notice_is_signed_as_published(vector: dict[str, Any]) -> None:
    secret = vector.get("secret_key", VECTORS["keys"]["secret_key"])
    expected = vector["expected_header"]["X-IYZ-SIGNATURE-V3"]
    assert notice_signature(vector["payload"], secret, vector.get("merchant_id", "")) == expected


@pytest.mark.parametrize("name", ["X-IYZ-SIGNATURE-V3", "x-iyz-signature-v3", "X-Iyz-Signature-V3"])
@pytest.mark.parametrize("vector", _named("webhook_v3"))
def test_a_notice_is_read_whatever_the_case_of_its_header(vector: dict[str, Any], name: str) -> None:
    notice = _notice(vector, **{name: vector["expected_header"]["X-IYZ-SIGNATURE-V3"]})
    assert isinstance(notice, Notice)
    assert notice.event_id == vector["payload"]["iyziReferenceCode"]
    assert notice.event_type == vector["payload"]["iyziEventType"]
    assert notice.our_reference == vector["payload"].get("paymentConversationId")


def test_a_notice_with_one_changed_byte_is_rejected() -> None:
    vector = next(vector for vector in VECTORS["webhook_v3"] if vector["name"] == "direct_failure")
    header = {"X-IYZ-SIGNATURE-V3": vector["expected_header"]["X-IYZ-SIGNATURE-V3"]}
    changed = vector | {"payload": vector["payload"] | {"status": "SUCCESS"}}
    assert _notice(changed, **header) == Refused("wrong")
    assert _notice(vector, **{"X-IYZ-SIGNATURE-V3": "0" * 64}) == Refused("wrong")
    assert _notice(vector) == Refused("missing")


def test_during_a_rotation_both_secrets_hold() -> None:
    vector = next(vector for vector in VECTORS["webhook_v3"] if vector["name"] == "direct_failure")
    headers = {"X-IYZ-SIGNATURE-V3": vector["expected_header"]["X-IYZ-SIGNATURE-V3"]}
    body, new = json.dumps(vector["payload"]).encode(), "sandbox-another-secret"
    notice = _read(headers, body, new, KEY, of=vector)
    assert isinstance(notice, Notice)
    assert notice.verified.secret_index == 1
    assert _read(headers, body, new, of=vector) == Refused("wrong")
    assert _read(headers, b"not json", KEY, of=vector) == Refused("malformed")
