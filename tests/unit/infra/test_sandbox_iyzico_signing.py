import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico import DEFAULT_KEYS, Keys
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.events import MERCHANT, Event, PaymentEvent, SubscriptionEvent, body_of, sign_event
from infra.sandbox.iyzico.signing import canonical_amount, check_request, sign_values

VECTORS: dict[str, Any] = json.loads(
    Path(__file__).with_name("sandbox_iyzico_vectors.json").read_text(encoding="utf-8")
)
AMOUNTS = {"price", "paidPrice"}


NOTICES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "iyzico.json").read_text(encoding="utf-8")
)["webhook_v3"]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def code_of(authorization: str | None, path: str, body: bytes, keys: Keys = DEFAULT_KEYS) -> str:
    with pytest.raises(Refused) as caught:
        check_request(authorization, path, body, keys)
    return caught.value.code


@pytest.mark.parametrize("vector", VECTORS["request_v2"], ids=named)
def test_every_recorded_request_passes(vector: dict[str, Any]) -> None:
    check_request(
        vector["expected_authorization"], vector["signed_path"], vector["body"].encode(), Keys(**VECTORS["keys"])
    )


@pytest.mark.parametrize("vector", VECTORS["request_v2"], ids=named)
def test_one_changed_byte_or_another_path_is_refused(vector: dict[str, Any]) -> None:
    header, path, body = vector["expected_authorization"], vector["signed_path"], vector["body"].encode()
    assert code_of(header, path, body + b" ") == "1000"
    assert code_of(header, path + "/", body) == "1000"
    assert code_of(header, path, body, Keys(DEFAULT_KEYS.api_key, "sandbox-other")) == "1000"
    assert code_of(header, path, body, Keys("sandbox-other", DEFAULT_KEYS.secret_key)) == "1001"


@pytest.mark.parametrize("vector", VECTORS["request_legacy_sha1"], ids=named)
def test_the_legacy_form_is_refused(vector: dict[str, Any]) -> None:
    assert code_of(vector["expected_headers"]["Authorization"], vector["path"], vector["body"].encode()) == "1000"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer abc",
        "IYZWSv2 ***",
        "IYZWSv2 " + base64.b64encode(b"apiKey:a&randomKey:b").decode(),
        "IYZWSv2 " + base64.b64encode(b"apiKey:a&randomKey:&signature:c").decode(),
        "IYZWSv2 " + base64.b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_missing_or_strange_signature_is_not_understood(header: str | None) -> None:
    assert code_of(header, "/payment/test", b"") == "1007"


@pytest.mark.parametrize("vector", VECTORS["response_signature"], ids=named)
def test_every_recorded_response_signature_comes_out(vector: dict[str, Any]) -> None:
    raw = vector.get("raw_response_amounts", {})
    values = tuple(
        Decimal(raw.get(name, value)) if name in AMOUNTS else value
        for name, value in zip(vector["field_order"], vector["values"], strict=True)
    )
    secret = vector.get("secret_key", VECTORS["keys"]["secret_key"])
    assert sign_values(secret, values) == vector["expected_signature"]


@pytest.mark.parametrize("vector", NOTICES, ids=named)
def test_every_recorded_call_to_a_merchant_is_signed_as_recorded(vector: dict[str, Any]) -> None:
    keys = Keys("sandbox-any", vector.get("secret_key", VECTORS["keys"]["secret_key"]))
    assert vector.get("merchant_id", MERCHANT) == MERCHANT
    assert sign_event(keys, vector["payload"]) == vector["expected_header"]["X-IYZ-SIGNATURE-V3"]


@pytest.mark.parametrize("vector", NOTICES, ids=named)
def test_the_body_of_a_call_has_the_recorded_fields(vector: dict[str, Any]) -> None:
    said = vector["payload"]
    event: Event
    if vector["kind"] == "subscription":
        event = SubscriptionEvent(
            said["iyziEventType"],
            said["orderReferenceCode"],
            said["subscriptionReferenceCode"],
            said["customerReferenceCode"],
        )
    else:
        event = PaymentEvent(
            said["iyziEventType"],
            str(said["iyziPaymentId"]),
            said["paymentConversationId"],
            said["status"],
            said.get("token"),
        )
    drawn = {"iyziReferenceCode": said["iyziReferenceCode"], "merchantId": said.get("merchantId")}
    made = {**body_of(event, said["iyziEventTime"]), **drawn}
    assert {name: value for name, value in made.items() if value is not None} == said


def test_absent_values_are_signed_as_empty_text() -> None:
    vector = next(v for v in VECTORS["response_signature"] if v["name"] == "payment_without_basket_or_conversation")
    values = tuple(value or None for value in vector["values"])
    assert sign_values(VECTORS["keys"]["secret_key"], values) == vector["expected_signature"]


@pytest.mark.parametrize("vector", VECTORS["response_signature_negative"], ids=named)
def test_the_known_mistakes_are_not_made(vector: dict[str, Any]) -> None:
    *texts, paid, price = vector["signed_string"].split(":")
    right = {"payment_overstripped": (Decimal("100.0"), Decimal(100))}.get(
        vector["name"], (Decimal(paid), Decimal(price))
    )
    signature = sign_values(VECTORS["keys"]["secret_key"], (*texts, *right))
    assert signature == vector["right_signature"] != vector["wrong_signature"]


@pytest.mark.parametrize("vector", VECTORS["signature_amount_canonical"], ids=lambda v: v["response_value"])
def test_amounts_are_stripped_as_recorded(vector: dict[str, str]) -> None:
    assert canonical_amount(Decimal(vector["response_value"])) == vector["signed_as"]


def test_json_keeps_the_digits_of_a_decimal() -> None:
    text = to_json({"a": Decimal("1.20"), "b": [Decimal("0.00").quantize(Decimal("1E-8"))], "ad": "Çiğdem\n"})
    assert text == '{"a":1.20,"b":[0E-8],"ad":"Çiğdem\\n"}'
