"""What others met with PayTR in use, each as a test of what we send and believe. Source: README, "Written from"."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from providers.connector import Account, Attempt, Connector, Request, Unsayable
from providers.payments.paytr import CONNECTOR
from providers.payments.paytr.amounts import from_wire, to_decimal, to_kurus
from providers.payments.paytr.signing import sign_form, signed_fields
from providers.payments.paytr.status import StatusReply
from providers.reference import reference_for
from providers.scrub import Scrubber
from schemas.money import Money
from schemas.payments import (
    BankTransfer,
    CardRef,
    CreatePayment,
    HostedPage,
    PaymentMethod,
    Reason,
    StartThreeDSecure,
    StoredCard,
)
from tests.builders import a_buyer, a_create_payment, a_line, a_refund_payment, a_start_three_d_secure, lira, money
from tests.conformance.samples import CARD, COMMAND_ID, a_command, a_payment, attempt_for

KEYS = {name: SecretStr(f"sandbox-{name}") for name in CONNECTOR.credentials}
FRAME = HostedPage(kind="hosted_page", return_url="https://shop.example/back")
TRANSFER = BankTransfer(kind="bank_transfer", return_url="https://shop.example/back")
KEPT = StoredCard(kind="stored_card", card_token="ctok1", customer_key="utok1")
NEW = CardRef(kind="card_ref", card_ref=COMMAND_ID)
METHODS: tuple[PaymentMethod, ...] = (FRAME, TRANSFER, KEPT, NEW)
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.kind)


def an_attempt(environment: str = "sandbox") -> Attempt:
    account = Account(environment, "https://www.paytr.com")
    return Attempt(COMMAND_ID, 1, "k0laj0001", a_payment(), lira("12.50"), CARD, account=account)


def built(command: CreatePayment, attempt: Attempt | None = None) -> Request:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    return operation.build(command, attempt or an_attempt())


def form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def form(method: PaymentMethod, **changed: Any) -> dict[str, str]:
    return form_of(built(a_create_payment(method=method, **changed)))


@every_method
def test_every_signed_field_is_sent_also_where_it_is_a_default(method: PaymentMethod) -> None:
    """paytr/paytr-postman#2: a missing no_installment is answered as a wrong token."""
    request = built(a_create_payment(method=method))
    sent = form_of(request) | {"merchant_id": "123456"}
    assert set(signed_fields(request.path, sent)) <= set(sent)
    assert set(sign_form(request, KEYS)) == {"merchant_id", "paytr_token"}


@pytest.mark.parametrize("operation", CONNECTOR.operations, ids=lambda operation: operation.name)
def test_every_operation_can_be_signed(operation: Any) -> None:
    request = operation.build(a_command(operation.command), attempt_for(CONNECTOR, operation))
    assert set(sign_form(request, KEYS)) == {"merchant_id", "paytr_token"}
    for name, _ in parse_qsl(request.body.decode()):
        assert name not in {"merchant_key", "merchant_salt"}


@every_method
@pytest.mark.parametrize(("environment", "expected"), [("sandbox", "1"), ("production", "0")])
def test_a_test_is_told_from_money_in_each_request(method: PaymentMethod, environment: str, expected: str) -> None:
    request = built(a_create_payment(method=method), an_attempt(environment))
    assert form_of(request)["test_mode"] == expected


@every_method
def test_amounts_are_kurus_for_a_page_and_decimals_for_a_card(method: PaymentMethod) -> None:
    sent = form(method)
    assert sent["payment_amount"] == ("1250" if method in {FRAME, TRANSFER} else "12.50")


@given(st.integers(1, 10**12))
def test_no_amount_passes_through_binary_fractions(minor: int) -> None:
    amount = Money(minor=minor, currency="TRY")
    assert to_kurus(amount) == str(minor)
    assert to_decimal(amount) == f"{minor // 100}.{minor % 100:02}"


@pytest.mark.parametrize(("text", "minor"), [("16.56", 1656), ("19.99", 1999), ("10,8", 1080), ("18", 1800)])
def test_the_amounts_that_floats_get_wrong_are_read_right(text: str, minor: int) -> None:
    reply = StatusReply.model_validate({"status": "success", "payment_total": text, "currency": "TL"})
    assert from_wire(reply.payment_total, reply.currency, "payment_total").minor == minor


@pytest.mark.parametrize(("currency", "word"), [("TRY", "TL"), ("EUR", "EUR"), ("USD", "USD"), ("GBP", "GBP")])
def test_a_currency_has_their_word(currency: str, word: str) -> None:
    price = money("12.50", currency)
    assert form(FRAME, price=price, paid_price=price, basket=(a_line(price),))["currency"] == word


@pytest.mark.parametrize(("method", "currency"), [(FRAME, "JPY"), (KEPT, "CHF"), (TRANSFER, "EUR")])
def test_a_currency_that_they_do_not_take_is_refused_before_anything_is_sent(
    method: PaymentMethod, currency: str
) -> None:
    price = money("12", currency)
    _refused(
        a_create_payment(method=method, price=price, paid_price=price, basket=(a_line(price),)),
        Reason("currency_not_permitted"),
    )


@every_method
@pytest.mark.parametrize(
    "buyer",
    [
        a_buyer(email="ışıl@example.com"),
        a_buyer(ip=None),
        a_buyer(ip="2001:db8::1"),
        a_buyer(ip="85.34.78.112, 10.0.0.1"),
    ],
    ids=["turkish e-mail", "no address", "IPv6", "a proxy's list"],
)
def test_a_buyer_whom_they_cannot_be_told_is_refused_before_anything_is_sent(method: PaymentMethod, buyer: Any) -> None:
    _refused(a_create_payment(method=method, buyer=buyer), Reason.INVALID_REQUEST)


def test_a_page_needs_a_phone_number() -> None:
    _refused(a_create_payment(method=FRAME, buyer=a_buyer(phone=None)), Reason.INVALID_REQUEST)
    assert form(KEPT, buyer=a_buyer(phone=None))["user_phone"] == ""


@pytest.mark.parametrize(("phone", "sent"), [("+905350000000", "05350000000"), ("+491701234567", "+491701234567")])
def test_a_turkish_phone_is_written_as_it_is_dialled(phone: str, sent: str) -> None:
    assert form(FRAME, buyer=a_buyer(phone=phone))["user_phone"] == sent


def test_each_field_of_a_page_says_its_own() -> None:
    """mewebstudio/paytr#3: the time limit was filled with an address."""
    sent = form(FRAME)
    assert sent["merchant_ok_url"] == sent["merchant_fail_url"] == "https://shop.example/back"
    assert (sent["timeout_limit"], sent["lang"], sent["debug_on"]) == ("30", "tr", "0")
    assert json.loads(b64decode(sent["user_basket"])) == [["Seramik kupa", "12.50", 1]]
    assert json.loads(form(KEPT)["user_basket"]) == [["Seramik kupa", "12.50", 1]]


@pytest.mark.parametrize(("most", "sent"), [(None, ("0", "0")), (1, ("1", "0")), (6, ("0", "6")), (36, ("0", "12"))])
def test_a_page_offers_as_many_parts_as_were_allowed(most: int | None, sent: tuple[str, str]) -> None:
    method = HostedPage(kind="hosted_page", return_url="https://shop.example/back", most_instalments=most)
    told = form(method)
    assert (told["no_installment"], told["max_installment"]) == sent


@pytest.mark.parametrize("number", [1, 255])
def test_an_order_number_has_letters_and_digits_alone_and_each_attempt_its_own(number: int) -> None:
    numbers = {reference_for(COMMAND_ID, step, number, CONNECTOR.reference) for step in "ab"}
    assert len(numbers) == 2
    assert all(re.fullmatch(r"[0-9a-z]{1,60}", text) for text in numbers)


def test_a_card_without_3d_is_answered_to_a_server_and_with_3d_to_a_browser() -> None:
    silent = form(NEW)
    shown = form_of(built(a_start_three_d_secure(method=NEW)))
    assert (silent["non_3d"], silent["sync_mode"]) == ("1", "1")
    assert (shown["non_3d"], shown.get("sync_mode")) == ("0", None)
    assert shown["merchant_ok_url"] == shown["merchant_fail_url"] == "https://shop.example/back"
    assert silent["merchant_ok_url"] == "https://www.paytr.com"
    for sent in (silent, shown):
        assert (sent["card_number"], sent["expiry_month"], sent["expiry_year"]) == ("5526080000000006", "11", "31")
        assert (sent["cc_owner"], sent["cvv"]) == ("ISIL CAGRI", "917")


def test_instalments_name_the_cards_programme_where_they_know_it() -> None:
    told = form(NEW, instalments=3, card_programme="world")
    assert (told["installment_count"], told["card_type"]) == ("3", "world")
    assert "card_type" not in form(NEW, instalments=3, card_programme="miles_smiles")
    assert form(NEW)["installment_count"] == "0"
    assert "card_type" not in form(NEW, card_programme="world")


def test_no_record_holds_where_a_payer_comes_back_to() -> None:
    """A shop's own words for the payer's session may stand there."""
    for method in METHODS:
        command = a_start_three_d_secure(method=method) if method in {KEPT, NEW} else a_create_payment(method=method)
        assert b"shop.example" in built(command).body
        assert "shop.example" not in Scrubber(CONNECTOR.secret | CONNECTOR.personal).scrub(built(command).body)


def test_a_renewal_charges_a_kept_card_alone() -> None:
    assert form(KEPT, without_payer=True)["recurring_payment"] == "1"
    assert "recurring_payment" not in form(KEPT)
    _refused(a_create_payment(method=NEW, without_payer=True), Reason.UNSUPPORTED_METHOD)
    _refused(a_start_three_d_secure(method=KEPT, without_payer=True), Reason.INVALID_REQUEST)


@pytest.mark.parametrize("method", [FRAME, TRANSFER], ids=lambda method: method.kind)
def test_a_page_is_for_a_payer_who_is_there_and_chooses_the_instalments(method: PaymentMethod) -> None:
    _refused(a_create_payment(method=method, without_payer=True), Reason.INVALID_REQUEST)
    _refused(a_create_payment(method=method, instalments=3), Reason.INSTALMENTS_NOT_PERMITTED)


def test_a_card_is_kept_for_a_new_buyer_and_for_a_known_one() -> None:
    new, known = form(NEW, store_card=True), form(NEW, store_card=True, customer_key="utok1")
    assert (new["store_card"], new.get("utoken")) == ("1", None)
    assert (known["store_card"], known["utoken"]) == ("1", "utok1")
    assert "store_card" not in form(NEW, customer_key="utok1")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (a_create_payment(method=KEPT, capture="manual"), Reason.UNSUPPORTED_OPERATION),
        (a_create_payment(method=FRAME, store_card=True), Reason.UNSUPPORTED_METHOD),
        (
            a_create_payment(method=StoredCard(kind="stored_card", card_token="ctok1")),
            Reason.INVALID_REQUEST,
        ),
        (a_start_three_d_secure(method=FRAME), Reason.UNSUPPORTED_METHOD),
        (a_start_three_d_secure(method=TRANSFER), Reason.UNSUPPORTED_METHOD),
    ],
)
def test_what_they_have_no_words_for_is_refused_before_anything_is_sent(command: CreatePayment, reason: Reason) -> None:
    _refused(command, reason)


def test_a_line_is_refunded_by_its_amount_and_what_was_never_paid_is_not_cancelled() -> None:
    refund, cancel = (operation for operation in CONNECTOR.operations if operation.name in {"refund", "cancel"})
    with pytest.raises(Unsayable) as by_line:
        refund.build(a_refund_payment(line_id="line-1"), an_attempt())
    with pytest.raises(Unsayable) as unpaid:
        cancel.build(a_command(cancel.command), an_attempt())
    assert (by_line.value.reason, unpaid.value.reason) == (Reason.UNKNOWN_LINE, Reason.NOTHING_CAPTURED)


def test_a_share_says_what_of_the_payment_it_is_a_share_of() -> None:
    """What both commissions come out of: the whole that a seller's share is taken of."""
    transfer = next(operation for operation in CONNECTOR.operations if operation.name == "transfer_share")
    amounts = {"amount": {"minor": 9200, "currency": "TRY"}, "of_amount": {"minor": 10000, "currency": "TRY"}}
    taken = replace(an_attempt(), payment=a_payment("captured"))
    sent = form_of(transfer.build(a_command(transfer.command, **amounts), taken))
    assert (sent["submerchant_amount"], sent["total_amount"]) == ("9200", "10000")
    with pytest.raises(ValidationError):
        a_command(transfer.command, **(amounts | {"of_amount": {"minor": 9199, "currency": "TRY"}}))


def test_no_operation_is_declared_that_they_do_not_have() -> None:
    connector: Connector = CONNECTOR
    declared = {operation.command.type for operation in connector.operations}
    missing = {"payments.capture.v1", "payments.complete_three_d_secure.v1", "payments.store_card.v1"}
    assert declared.isdisjoint({*missing, "payments.get_balance.v1", "payments.approve_line.v1"})
    assert StartThreeDSecure.type in declared


def _refused(command: CreatePayment, reason: Reason) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(command)
    assert unsayable.value.reason is reason
