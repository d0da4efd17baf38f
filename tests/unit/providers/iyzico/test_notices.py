"""iyzico's notices as bytes. They sign chosen values and not the body. Pitfalls F3, F5, F7."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.notices import Call, Notice, Refused
from providers.payments.iyzico.settings import IyzicoSettings
from providers.payments.iyzico.webhook import HEADER, read_notice, signature_of
from providers.reading import parse_json
from schemas.webhooks import Verified

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "sandbox-secret"
MERCHANT = "3404590"
FIELDS: dict[str, dict[str, Any]] = {
    "direct": {
        "iyziEventType": "API_AUTH",
        "paymentId": 22484059,
        "paymentConversationId": "conv-1",
        "status": "SUCCESS",
        "iyziReferenceCode": "a9af8e6b",
        "iyziPaymentId": 22484059,
    },
    "hosted": {
        "iyziEventType": "CHECKOUT_FORM_AUTH",
        "iyziPaymentId": 28157797,
        "token": "9895e0e6",
        "paymentConversationId": "conv-9",
        "status": "SUCCESS",
        "iyziReferenceCode": "a5450da6",
    },
    "subscription": {
        "iyziEventType": "subscription.order.success",
        "subscriptionReferenceCode": "ea0362e2",
        "orderReferenceCode": "ae5fcbf8",
        "customerReferenceCode": "ff4052ca",
        "iyziReferenceCode": "18d7cc48",
    },
}
every_kind = pytest.mark.parametrize("kind", FIELDS)


def read(body: bytes, signed: dict[str, Any], secret: str = SECRET) -> Notice | Refused:
    headers = {HEADER: signature_of(signed, SECRET, MERCHANT)}
    account = ({"secret_key": SecretStr(secret)},)
    return read_notice(Call(headers, body, account, NOON, IyzicoSettings(merchant_id=MERCHANT)))


def verified(body: bytes, signed: dict[str, Any]) -> Notice:
    notice = read(body, signed)
    assert isinstance(notice, Notice)
    return notice


@every_kind
def test_f5_odd_order_and_blanks_and_a_newline_at_the_end_are_theirs(kind: str) -> None:
    odd = dict(reversed(FIELDS[kind].items()))
    body = json.dumps(odd, separators=(" ,\n", ":  ")).encode() + b"\n"
    assert verified(body, FIELDS[kind]) == verified(json.dumps(FIELDS[kind]).encode(), FIELDS[kind])


@every_kind
@given(data=st.data())
def test_f5_one_changed_byte_anywhere_never_changes_a_signed_value(kind: str, data: st.DataObject) -> None:
    """They sign values, so that a blank may change; what a notice says may not, but for the unsigned `event_id`."""
    body = json.dumps(FIELDS[kind]).encode()
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    after = read(bytes(changed), FIELDS[kind])
    if isinstance(after, Notice):
        assert replace(after, event_id="") == replace(verified(body, FIELDS[kind]), event_id="")


@every_kind
def test_f5_one_changed_byte_in_any_signed_value_is_refused(kind: str) -> None:
    fields = FIELDS[kind]
    unsigned = {"iyziReferenceCode", *(["iyziPaymentId"] if kind == "direct" else [])}
    for name in fields.keys() - unsigned:
        text = str(fields[name])
        for place in range(len(text)):
            other = "7" if text[place] != "7" else "8"
            changed = fields | {name: text[:place] + other + text[place + 1 :]}
            assert read(json.dumps(changed).encode(), fields) == Refused("wrong")


def test_the_payment_is_the_signed_one_whatever_stands_beside_it() -> None:
    notice = verified(json.dumps(FIELDS["direct"] | {"iyziPaymentId": 1}).encode(), FIELDS["direct"])
    assert notice.provider_reference == "22484059"
    notice = verified(json.dumps(FIELDS["hosted"] | {"paymentId": 1}).encode(), FIELDS["hosted"])
    assert notice.provider_reference == "28157797"
    added = {"status": "SUCCESS", "paymentId": 1, "paymentConversationId": "x"}
    notice = verified(json.dumps(FIELDS["subscription"] | added).encode(), FIELDS["subscription"])
    assert (notice.provider_reference, notice.said, notice.our_reference) == ("ea0362e2", None, None)


def test_a_subscriptions_notice_is_about_a_resource_and_names_its_charge() -> None:
    notice = verified(json.dumps(FIELDS["subscription"]).encode(), FIELDS["subscription"])
    assert (notice.about, notice.provider_reference, notice.order_reference) == ("resource", "ea0362e2", "ae5fcbf8")
    for kind in ("direct", "hosted"):
        notice = verified(json.dumps(FIELDS[kind]).encode(), FIELDS[kind])
        assert (notice.about, notice.order_reference) == ("payment", None)
    assert notice.provider_reference == "28157797"


def test_a_subscriptions_notice_is_not_theirs_without_our_number_there() -> None:
    body = json.dumps(FIELDS["subscription"]).encode()
    headers = {HEADER: signature_of(FIELDS["subscription"], SECRET, MERCHANT)}
    account = ({"secret_key": SecretStr(SECRET)},)
    for settings in (IyzicoSettings(), IyzicoSettings(merchant_id="3404591")):
        assert read_notice(Call(headers, body, account, NOON, settings)) == Refused("wrong")


@every_kind
def test_f7_numbers_beside_the_signed_values_verify_and_are_read_with_their_decimals(kind: str) -> None:
    body = json.dumps(FIELDS[kind]).encode()[:-1] + b', "price": 10.10, "rates": [1.0, 1e2]}'
    verified(body, FIELDS[kind])
    fields = parse_json(body)
    assert (str(fields["price"]), fields["rates"]) == ("10.10", [Decimal("1.0"), Decimal("1e2")])


@pytest.mark.parametrize("number", ["1.0", "1e2", "10.10", "-0", "1E+2", "100000000000000000000.5"])
def test_f7_a_number_that_is_signed_counts_as_it_is_written(number: str) -> None:
    body = json.dumps(FIELDS["direct"]).replace('"paymentId": 22484059', f'"paymentId": {number}').encode()
    assert verified(body, FIELDS["direct"] | {"paymentId": number}).provider_reference == number


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"{", b'{"status":"a","status":"b"}', b"\xff", b'{"a":NaN}'])
def test_a_body_that_readers_would_read_differently_is_malformed(body: bytes) -> None:
    assert read(body, FIELDS["direct"]) == Refused("malformed")


def test_f3_a_notice_carries_its_stored_verdict() -> None:
    notice = verified(json.dumps(FIELDS["direct"]).encode(), FIELDS["direct"])
    handled = Verified.model_validate_json(notice.verified.model_dump_json())
    assert handled == Verified(arrived_at=NOON, secret_index=0)
