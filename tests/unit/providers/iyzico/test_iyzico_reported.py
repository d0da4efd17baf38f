"""What others met at iyzico, report by report: each has a test here, or names the one elsewhere that holds it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from pydantic import SecretStr, ValidationError

from providers.payments.iyzico import CONNECTOR
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.signing import sign
from providers.payments.iyzico.wire import Envelope
from schemas.money import Share
from schemas.payments import CreatePayment, Reason, StartThreeDSecure, StoredCard
from schemas.payments.look_ups import BinLookUp
from schemas.verdicts import FailureClass, Verdict
from tests.builders import a_buyer, a_create_payment, a_line, lira
from tests.conformance.samples import a_command, attempt_for
from tests.named_tests import is_a_test

HERE: Final = "tests/unit/providers/iyzico/test_iyzico_reported.py"
REQUESTS: Final = "tests/unit/providers/iyzico/test_requests.py"
SPLIT: Final = "tests/unit/schemas/test_basket_split.py"
BYTES: Final = f"{HERE}::test_the_bytes_that_are_signed_are_the_bytes_that_are_sent"
REPORTS: Final[dict[str, tuple[str, ...]]] = {
    "iyzico/iyzipay-node#19": (BYTES,),
    "iyzico/iyzipay-python#35": (
        f"{REQUESTS}::test_absent_facts_are_left_out_and_not_sent_empty",
        "tests/unit/providers/iyzico/test_amounts.py::test_an_amount_is_text_with_a_dot_and_no_exponent",
        f"{HERE}::test_what_is_required_is_never_empty",
    ),
    "iyzico/iyzipay-python#47": (
        "tests/conformance/test_building.py::test_a_signature_covers_every_byte_of_the_body",
        BYTES,
    ),
    "iyzico/iyzipay-python#59": (f"{HERE}::test_where_the_payer_comes_back_to_is_said_where_somebody_does_alone",),
    "iyzico/iyzipay-python#71": (f"{HERE}::test_a_subscription_system_error_is_technical_and_theirs",),
    "iyzico/iyzipay-python#85": (f"{HERE}::test_a_signature_that_is_not_understood_is_a_matter_of_configuration",),
    "iyzico/iyzipay-python#90": (f"{HERE}::test_a_refusal_keeps_their_code_and_group_and_says_it_in_our_words",),
    "iyzico/iyzipay-php#34": (
        f"{HERE}::test_shipping_stands_in_the_paid_price_and_the_lines_add_up",
        "tests/unit/providers/iyzico/test_iyzico_pages.py::test_shipping_stands_in_the_paid_price_and_not_in_the_basket",
    ),
    "iyzico/iyzipay-php#48": (
        f"{REQUESTS}::test_the_bytes_are_ascii_so_that_no_charset_can_spoil_the_signature",
        f"{HERE}::test_what_is_required_is_never_empty",
        "tests/unit/providers/test_diagnosis.py::test_iyzicos_answer_says_what_is_wrong_without_showing_a_key",
    ),
    "iyzico/iyzipay-php#93": (f"{REQUESTS}::test_a_raw_card_is_sent_as_text_and_not_stored",),
    "iyzico/iyzipay-php#170": (
        "tests/integration/test_return_in_browser.py::test_a_shopper_comes_back_from_the_bank_and_ends_at_the_shop",
    ),
    "iyzico/iyzipay-php#204": (f"{HERE}::test_a_signature_that_is_not_understood_is_a_matter_of_configuration",),
    "iyzico/iyzipay-java#84": (f"{REQUESTS}::test_the_bytes_are_ascii_so_that_no_charset_can_spoil_the_signature",),
    "iyzico/iyzipay-java#124": ("tests/conformance/test_elsewhere.py::test_another_process_builds_and_reads_the_same",),
    "iyzico/iyzipay-node#103": (f"{HERE}::test_what_we_call_an_attempt_has_letters_and_digits_alone",),
    "iyzico/iyzipay-dotnet#32": (
        "tests/unit/providers/iyzico/test_amounts.py::test_the_processs_locale_changes_nothing",
    ),
    "iyzico/iyzipay-dotnet#62": (
        "tests/conformance/test_amounts.py::test_every_amount_goes_out_in_the_unit_that_its_endpoint_is_declared_to_want",
    ),
    "iyzico/iyzipay-dotnet#109": (
        "tests/conformance/test_elsewhere.py::test_another_process_builds_and_reads_the_same",
    ),
    "iyzico/iyzipay-woocommerce#39": (f"{SPLIT}::test_j1_thirds_are_rounded_so_that_they_make_the_rounded_total",),
    "iyzico/iyzipay-woocommerce#40": (
        "tests/conformance/test_amounts.py::test_the_lines_that_are_sent_add_up_to_the_price_that_is_sent",
    ),
    "eyupgevenim/Nop.Plugin.Payments.Iyzico#4": (f"{SPLIT}::test_j3_a_gift_card_is_spread_over_the_lines",),
    "eyupgevenim/Nop.Plugin.Payments.Iyzico#8": (
        f"{SPLIT}::test_what_is_left_after_a_discount_is_spread_to_the_last_unit_and_no_line_is_nothing",
        f"{HERE}::test_a_line_of_nothing_or_less_is_no_line",
    ),
    "armutcom/iyzipay-dotnet-client#21": (
        "tests/integration/test_return_in_browser.py::test_a_shopper_comes_back_from_the_bank_and_ends_at_the_shop",
    ),
    "odoo/odoo#210746": (
        f"{REQUESTS}::test_what_cannot_be_said_is_refused_with_its_reason",
        "tests/unit/providers/iyzico/test_iyzico_three_d_secure.py::test_a_completion_of_what_was_not_started_is_not_sent",
    ),
    "kucukemre/Nop.Plugin.Payments.Iyzico#1": (f"{HERE}::test_digits_that_are_no_bin_are_never_asked_about",),
    "productdevbook/kasapay#54": (f"{HERE}::test_nothing_that_moves_money_is_sent_twice",),
    "productdevbook/kasapay#186": (
        "tests/unit/providers/iyzico/test_amounts.py::test_a_missing_amount_is_never_nothing",
        "tests/conformance/test_samples.py::test_one_value_of_another_kind_never_changes_what_was_moved",
    ),
    "iyzipay for Python: one dictionary of headers for all calls": (
        f"{HERE}::test_calls_side_by_side_share_nothing_that_signs",
    ),
    "iyzipay for Node: one body for all calls": (f"{HERE}::test_calls_side_by_side_share_nothing_that_signs",),
    "iyzipay for PHP: signed by its address": (f"{HERE}::test_the_signed_path_is_the_same_at_any_address",),
}
_KEPT: Final = StoredCard(kind="stored_card", card_token="card-1", customer_key="buyer-1")
CREDENTIALS: Final = {"api_key": SecretStr("sandbox-key"), "secret_key": SecretStr("sandbox-secret")}


def test_every_report_has_a_test_that_exists() -> None:
    assert [named for tests in REPORTS.values() for named in tests if not is_a_test(named)] == []
    assert all(REPORTS.values())


def body(command: CreatePayment) -> dict[str, Any]:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    found: dict[str, Any] = json.loads(operation.build(command, attempt_for(CONNECTOR, operation)).body)
    return found


@pytest.mark.parametrize("amount", ["1.70", "10.00", "0.01", "149.90", "1234567.89"])
def test_the_bytes_that_are_signed_are_the_bytes_that_are_sent(amount: str) -> None:
    operation = CONNECTOR.operations[0]
    request = operation.build(a_create_payment(lira(amount), method=_KEPT), attempt_for(CONNECTOR, operation))
    message = b"n0nce" + request.path.encode() + request.body
    expected = hmac.new(b"sandbox-secret", message, hashlib.sha256).hexdigest()
    assert expected in _token(sign(request, CREDENTIALS, "n0nce"))
    assert f'"price":"{amount}"'.encode() in request.body


def test_what_is_required_is_never_empty() -> None:
    for name in ("name", "surname", "identity_number", "email"):
        with pytest.raises(ValidationError):
            a_buyer(**{name: ""})
    sent = json.dumps(body(a_create_payment(method=_KEPT, buyer=a_buyer(phone=None, ip=None))))
    assert '""' not in sent
    assert "null" not in sent


def test_where_the_payer_comes_back_to_is_said_where_somebody_does_alone() -> None:
    assert "callbackUrl" not in json.dumps(body(a_create_payment(method=_KEPT)))
    start = a_command(StartThreeDSecure)
    assert isinstance(start, StartThreeDSecure)
    assert body(start)["callbackUrl"] == start.return_url


def test_a_subscription_system_error_is_technical_and_theirs() -> None:
    outcome = refused("100001")
    assert (outcome.verdict, outcome.failure, outcome.their_fault) == (Verdict.UNKNOWN, FailureClass.UNKNOWN, True)


@pytest.mark.parametrize("code", ["1000", "1001", "1007"])
def test_a_signature_that_is_not_understood_is_a_matter_of_configuration(code: str) -> None:
    outcome = refused(code)
    assert (outcome.reason, outcome.failure) == (Reason.INVALID_CREDENTIALS, FailureClass.CONFIGURATION)


def test_a_refusal_keeps_their_code_and_group_and_says_it_in_our_words() -> None:
    outcome = refusal(
        Envelope.model_validate(
            {"status": "failure", "errorCode": "11", "errorGroup": "INVALID", "errorMessage": "Geçersiz istek"}
        )
    )
    assert (outcome.their_code, outcome.their_group) == ("11", "INVALID")
    assert "11" in outcome.detail
    assert "Geçersiz" not in outcome.detail


def test_shipping_stands_in_the_paid_price_and_the_lines_add_up() -> None:
    shipped = body(
        a_create_payment(
            lira("33.14"),
            method=_KEPT,
            paid_price=lira("48.04"),
            shipping=Share.parse("14.90", "TRY"),
            basket=tuple(a_line(lira(price), f"line-{price}") for price in ("11.05", "11.06", "11.03")),
        )
    )
    assert (shipped["price"], shipped["paidPrice"]) == ("33.14", "48.04")
    assert [item["price"] for item in shipped["basketItems"]] == ["11.05", "11.06", "11.03"]


def test_what_we_call_an_attempt_has_letters_and_digits_alone() -> None:
    for operation in CONNECTOR.operations:
        reference = attempt_for(CONNECTOR, operation).reference
        assert (reference.isascii(), reference.isalnum()) == (True, True)
        assert len(reference) <= 64


@pytest.mark.parametrize("price", [0, -1])
def test_a_line_of_nothing_or_less_is_no_line(price: int) -> None:
    with pytest.raises(ValidationError):
        a_line(lira("1.00").with_minor(price))


@pytest.mark.parametrize(
    "digits", ["5528", "5528790", "552879000", "55287A", "", "\uff15\uff15\uff12\uff18\uff17\uff19"]
)
def test_digits_that_are_no_bin_are_never_asked_about(digits: str) -> None:
    with pytest.raises(ValidationError):
        BinLookUp(bin_number=digits)


def test_nothing_that_moves_money_is_sent_twice() -> None:
    for operation in CONNECTOR.operations:
        assert (operation.repeatable_for_s, operation.resend_after_absence_s) == (None, None)
        assert operation.inquiry is not None or not operation.moves_money or operation.command.keyed_by != "payment_id"


def test_calls_side_by_side_share_nothing_that_signs() -> None:
    operation = CONNECTOR.operations[0]
    one, other = (
        operation.build(a_create_payment(lira(amount), method=_KEPT), attempt_for(CONNECTOR, operation))
        for amount in ("10.00", "20.00")
    )
    first = sign(one, CREDENTIALS, "first")
    before = dict(first)
    second = sign(other, CREDENTIALS, "second")
    assert first == before
    assert first != second
    assert (b"10.00" in one.body, b"20.00" in one.body) == (True, False)


@pytest.mark.parametrize("environment", ["production", "sandbox"])
def test_the_signed_path_is_the_same_at_any_address(environment: str) -> None:
    operation = next(one for one in CONNECTOR.operations if one.name == "refund")
    request = operation.build(a_command(operation.command), attempt_for(CONNECTOR, operation))
    assert CONNECTOR.base_urls[environment] not in request.path
    assert request.path == "/v2/payment/refund"


def _token(headers: Mapping[str, str]) -> str:
    return base64.b64decode(headers["Authorization"].removeprefix("IYZWSv2 ")).decode()


def refused(code: str) -> Any:
    return refusal(Envelope.model_validate({"status": "failure", "errorCode": code}))
