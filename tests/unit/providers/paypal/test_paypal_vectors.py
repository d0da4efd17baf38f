"""PayPal's codes, amounts and signatures, against vectors that were made apart from this code."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connection_settings import USUAL
from providers.connector import Unsayable
from providers.notices import Call, Fetched, Notice, Refused
from providers.outcome import UnusableAnswer
from providers.payments.paypal.amounts import Amount, from_wire, moved, to_wire
from providers.payments.paypal.errors import meaning_of
from providers.payments.paypal.order import Movement, captured
from providers.payments.paypal.webhook import certificate_address, read_notice
from schemas.money import Money
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "paypal.json").read_text(encoding="utf-8"))
FAILURES = [row for row in VECTORS["errors"] if "name" in row]
CLASSES = {
    "declined": {FailureClass.DECLINED},
    "authentication_required": {FailureClass.DECLINED},
    "config_error": {FailureClass.CONFIGURATION},
    "invalid_request": {FailureClass.INVALID, FailureClass.STATE},
    "rate_limited": {FailureClass.THROTTLED},
    "unknown_outcome": {FailureClass.UNKNOWN},
    "transient_retryable": {FailureClass.UNKNOWN, FailureClass.CONFIGURATION},
}
"""A 409 is asked about; a 401 has had its second try with a fresh token before it is read."""
ASKED_ABOUT = {"DUPLICATE_INVOICE_ID", "DUPLICATE_REQUEST_ID", "PAYPAL_REQUEST_ID_PREVIOUSLY_USED"}
"""An earlier attempt may have succeeded."""
NOT_OURS = {"CAPTURE_FULLY_REFUNDED"}
"""A refund of ours would have been answered under its key."""


def _named(row: Mapping[str, Any]) -> str:
    return str(row.get("issue") or row.get("name") or row.get("value") or row.get("currency"))


@pytest.mark.parametrize("row", FAILURES, ids=_named)
def test_a_failure_means_what_their_documents_say(row: Mapping[str, Any]) -> None:
    issue = row.get("issue")
    reason, failure = meaning_of(row["name"], [] if issue is None else [issue])
    told = issue or row["name"]
    if told in ASKED_ABOUT or (row.get("already_done") and told not in NOT_OURS):
        assert failure is FailureClass.UNKNOWN
    else:
        assert failure in CLASSES[row["class"]]
    if row["class"] == "authentication_required":
        assert reason is Reason.AUTHENTICATION_REQUIRED


@pytest.mark.parametrize(
    ("issue", "reason", "failure"),
    [
        ("CARD_BRAND_NOT_SUPPORTED", Reason.CARD_NOT_PERMITTED, FailureClass.DECLINED),
        ("INVALID_EXPIRY_DATE", Reason.INCORRECT_CARD_DATA, FailureClass.DECLINED),
        ("INVALID_SECURITY_CODE_LENGTH", Reason.INCORRECT_CARD_DATA, FailureClass.DECLINED),
        ("SUBSCRIPTION_CANNOT_BE_ACTIVATED", Reason.INVALID_STATE, FailureClass.STATE),
    ],
)
def test_what_their_schema_says_of_cards_and_states_is_told(issue: str, reason: Reason, failure: FailureClass) -> None:
    assert meaning_of("UNPROCESSABLE_ENTITY", [issue]) == (reason, failure)


@pytest.mark.parametrize("row", [row for row in VECTORS["errors"] if "value" in row], ids=_named)
def test_a_capture_that_was_answered_with_201_need_be_no_money(row: Mapping[str, Any]) -> None:
    code = row["value"] if row["field"] != "capture.status" else None
    status = row["value"] if code is None else "DECLINED" if row["class"] != "accepted" else "COMPLETED"
    said = {"id": "c1", "status": status, "amount": {"currency_code": "EUR", "value": "10.99"}}
    outcome = captured(Movement.model_validate(said | {"processor_response": {"response_code": code}}))
    wanted = {"accepted": Verdict.ACCEPTED, "pending": Verdict.PENDING}.get(row["class"], Verdict.REFUSED)
    assert outcome.verdict is wanted
    if row["class"] == "authentication_required":
        assert outcome.reason is Reason.AUTHENTICATION_REQUIRED


@pytest.mark.parametrize("row", VECTORS["currencies"], ids=lambda row: f"{row['major']} {row['currency']}")
def test_an_amount_is_written_as_they_take_it_or_not_at_all(row: Mapping[str, Any]) -> None:
    try:
        amount = Money.from_major(Decimal(row["major"]), row["currency"])
    except ValueError:
        return
    if row["paypal"] is not None:
        assert to_wire(amount) == {"currency_code": row["currency"], "value": row["paypal"]}
        assert from_wire(Amount(currency_code=row["currency"], value=row["paypal"]), "value") == amount


@pytest.mark.parametrize("currency", VECTORS["without_decimals"])
def test_currencies_without_decimals_have_no_point_whatever_iso_4217_says(currency: str) -> None:
    assert "." not in to_wire(Money.from_major(Decimal(1200), currency))["value"]


@pytest.mark.parametrize("currency", ["KRW", "KWD", "ISK"])
def test_a_currency_that_they_do_not_say_how_to_write_is_not_said(currency: str) -> None:
    with pytest.raises(Unsayable) as unsayable:
        to_wire(Money.from_major(Decimal(5), currency))
    assert unsayable.value.reason is Reason.CURRENCY_NOT_PERMITTED


@pytest.mark.parametrize(("major", "currency"), [("10.45", "HUF"), ("0.01", "TWD")])
def test_an_amount_that_would_have_to_be_rounded_is_not_said(major: str, currency: str) -> None:
    with pytest.raises(Unsayable) as unsayable:
        to_wire(Money.from_major(Decimal(major), currency))
    assert unsayable.value.reason is Reason.INVALID_AMOUNT


@pytest.mark.parametrize("value", ["", "1e2", "1,00", "٣.00", " 1.00", "1.", ".5", "0x1", "9" * 33, "10.999", "NaN"])
def test_a_text_that_is_no_amount_is_not_read(value: str) -> None:
    with pytest.raises(UnusableAnswer):
        moved(Amount(currency_code="EUR", value=value), "value")


@pytest.mark.parametrize("value", ["0.00", "-1.00"])
def test_nothing_and_less_is_not_moved(value: str) -> None:
    with pytest.raises(UnusableAnswer):
        moved(Amount(currency_code="EUR", value=value), "value")


def _call(case: Mapping[str, Any]) -> Call:
    headers = case["headers"]
    return Call(
        headers=headers,
        body=case["body"].encode(),
        credentials=({"webhook_id": SecretStr(case.get("webhook_id") or VECTORS["webhook_id"])},),
        arrived_at=datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC),
        settings=USUAL,
        environment="sandbox",
        fetched=Fetched(headers["PAYPAL-CERT-URL"], VECTORS[case["cert"]].encode(), VECTORS["test_ca_pem"].encode()),
    )


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_signature_is_accepted_or_rejected_as_their_own_library_does(case: Mapping[str, Any]) -> None:
    found = read_notice(_call(case))
    assert isinstance(found, Notice if case["expect"] == "accept" else Refused)


def test_a_forged_body_of_the_same_checksum_passes_and_brings_no_amount_along() -> None:
    """Nobody can tell it from the genuine one: so nothing is taken from it but names of what is then asked for."""
    cases = {case["name"]: case for case in VECTORS["cases"]}
    genuine, forged = cases["valid"], cases["crc32_collision"]
    assert zlib.crc32(genuine["body"].encode()) == zlib.crc32(forged["body"].encode())
    assert genuine["body"] != forged["body"]
    found = read_notice(_call(forged))
    assert isinstance(found, Notice)
    assert "10990" not in repr(found)


@pytest.mark.parametrize("row", VECTORS["crc32"], ids=lambda row: str(row["decimal"]))
def test_the_checksum_is_over_the_raw_bytes(row: Mapping[str, Any]) -> None:
    assert zlib.crc32(row["body"].encode()) == row["decimal"]


POLICY = VECTORS["cert_url_policy"]


def _asked_for(url: str, environment: str) -> str | None:
    case = VECTORS["cases"][0]
    call = _call(case | {"headers": case["headers"] | {"PAYPAL-CERT-URL": url}})
    return certificate_address(replace(call, environment=environment))


@pytest.mark.parametrize("url", POLICY["reject"])
def test_no_other_address_is_ever_asked_for_a_certificate(url: str) -> None:
    for environment in ("production", "sandbox", "nowhere"):
        assert _asked_for(url, environment) is None


@pytest.mark.parametrize("url", POLICY["accept"])
def test_a_certificate_is_asked_for_where_the_account_is(url: str) -> None:
    here, there = ("sandbox", "production") if "sandbox" in url else ("production", "sandbox")
    assert (_asked_for(url, here), _asked_for(url, there)) == (url, None)


@pytest.mark.parametrize(
    "tail",
    ["", "CERT-1/", "CERT-1/../x", "CERT-1?x=1", "CERT-1#x", "CERT%2d1", "CERT-1\n", "CERT 1", "ÇERT-1", "C" * 201],
)
def test_only_the_name_of_one_certificate_may_end_the_address(tail: str) -> None:
    assert _asked_for(f"https://api.paypal.com/v1/notifications/certs/{tail}", "production") is None
