"""What a browser brings back from the bank counts when iyzico signed it, and for nothing otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from providers.payments.iyzico import CONNECTOR
from providers.payments.iyzico.returned import read_return
from providers.payments.iyzico.signing import CALLBACK_3DS, signature_of
from providers.returns import ReturnVerdict

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "iyzico.json").read_text())
[VECTOR] = [vector for vector in VECTORS["response_signature"] if vector["name"] == "threeds_callback"]
KEY: str = VECTORS["keys"]["secret_key"]
KEYS = {"api_key": SecretStr(VECTORS["keys"]["api_key"]), "secret_key": SecretStr(KEY)}
NEWER = KEYS | {"secret_key": SecretStr("sandbox-another-secret")}
RIGHT = dict(zip(VECTOR["field_order"], VECTOR["values"], strict=True)) | {"signature": VECTOR["expected_signature"]}
NOT_OURS = ReturnVerdict(verified=False, completes=False, reference=None)


def signed(**changed: str) -> dict[str, str]:
    fields = {name: value for name, value in RIGHT.items() if name != "signature"} | changed
    return fields | {"signature": signature_of(CALLBACK_3DS, fields, KEY.encode())}


def test_the_published_order_is_verified_and_completes() -> None:
    assert CONNECTOR.returns is read_return
    assert read_return(RIGHT, [KEYS]) == ReturnVerdict(verified=True, completes=True, reference="22416035")


def test_an_absent_field_counts_as_an_empty_one() -> None:
    fields = {name: value for name, value in RIGHT.items() if name != "conversationData"}
    assert read_return(fields, [KEYS]).completes


def test_further_fields_change_nothing() -> None:
    assert read_return(RIGHT | {"kolaj": "ticket"}, [KEYS]).completes


@pytest.mark.parametrize("name", VECTOR["field_order"])
def test_one_changed_field_is_not_theirs(name: str) -> None:
    assert read_return(RIGHT | {name: RIGHT[name] + "1"}, [KEYS]) == NOT_OURS


@pytest.mark.parametrize("given", ["", "0" * 64, "ü", VECTOR["expected_signature"].swapcase()])
def test_another_signature_is_not_theirs(given: str) -> None:
    assert read_return(RIGHT | {"signature": given}, [KEYS]) == NOT_OURS


def test_without_a_signature_nothing_is_theirs() -> None:
    assert read_return({name: value for name, value in RIGHT.items() if name != "signature"}, [KEYS]) == NOT_OURS
    assert read_return({"token": "e828c62d-fd12-4b1a-ad5a-380f15fe6596"}, [KEYS]) == NOT_OURS
    assert read_return({}, [KEYS]) == NOT_OURS


@pytest.mark.parametrize(
    "changed",
    [
        *({"mdStatus": word} for word in ("0", "-1", "2", "4", "5", "8", "", "01")),
        {"status": "failure"},
        {"status": ""},
    ],
)
def test_a_signed_failure_is_theirs_and_completes_nothing(changed: dict[str, str]) -> None:
    assert read_return(signed(**changed), [KEYS]) == ReturnVerdict(verified=True, completes=False, reference="22416035")


def test_during_a_rotation_both_secrets_hold() -> None:
    assert read_return(RIGHT, [NEWER, KEYS]).completes
    assert read_return(RIGHT, [NEWER]) == NOT_OURS
    assert read_return(RIGHT, []) == NOT_OURS


def test_signed_text_cut_into_other_values_is_not_theirs() -> None:
    """A failed return whose data holds a colon and a one: the same text, read as if the bank had said yes."""
    failed = signed(conversationData="d", conversationId="c:1", mdStatus="0", paymentId="9", status="success")
    recut = failed | {"conversationData": "d", "conversationId": "c", "mdStatus": "1", "paymentId": "0:9"}
    assert signature_of(CALLBACK_3DS, recut, KEY.encode()) == failed["signature"]
    assert read_return(recut, [KEYS]) == NOT_OURS
    assert read_return(signed(conversationData="a:b:c"), [KEYS]).completes


def test_data_of_any_letters_can_be_signed() -> None:
    assert read_return(signed(conversationData="ğ\ud800"), [KEYS]).verified
