"""What we send against all vectors: the token of every path, and every form that a command or a question becomes."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import pytest
from pydantic import SecretStr

from providers.connector import Account, Attempt, Request
from providers.payments.paytr import CONNECTOR
from providers.payments.paytr.settings import PaytrSettings
from providers.payments.paytr.signing import sign_form, signed_fields
from schemas.money import Money, Price
from schemas.payments import (
    BankTransfer,
    HostedPage,
    Payment,
    PaymentCommand,
    QueryPayment,
    RefundPayment,
    StoredCard,
    TransferShare,
)
from schemas.payments.look_ups import BinLookUp, InstalmentLookUp
from schemas.payments.resources import (
    CreateLink,
    DeleteCard,
    DeleteLink,
    ListCards,
    ListPayouts,
    ListTransactions,
    Resource,
    ResourceOrder,
    SendLink,
)
from tests.builders import a_buyer, a_create_payment, a_line, an_address, money

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "paytr.json").read_text())
KEYS = {name: SecretStr(value) for name, value in VECTORS["keys"].items()}
REQUESTS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in VECTORS["request"]}
PAYMENT = UUID("019abc00-0000-7000-8000-000000000002")
RESOURCE = UUID("019abc00-0000-7000-8000-000000000003")
BUYER = a_buyer(
    name="Ayşe",
    surname="Yılmaz",
    email="alici@example.com",
    phone="+905551112233",
    address=an_address(line="Bağdat Cad. 42", city="İstanbul"),
)


@pytest.mark.parametrize("vector", VECTORS["request"], ids=lambda vector: vector["name"])
def test_every_paths_token_is_made_of_the_fields_that_their_client_signs(vector: dict[str, Any]) -> None:
    form = dict(vector["form"])
    expected = form.pop("paytr_token", vector["expected_paytr_token"])
    path = urlsplit(vector["url"]).path
    account = form.pop("merchant_id")
    proofs = sign_form(Request("POST", path, urlencode(form).encode()), KEYS)
    assert proofs == {"merchant_id": account, "paytr_token": expected}
    assert expected == vector["expected_paytr_token"]
    assert [*signed_fields(path, form), "merchant_salt"] == vector["signed_fields"]


def _attempt(reference: str, **known: Any) -> Attempt:
    payment = Payment(payment_id=PAYMENT, create_reference="SIPARIS123", currency="TRY", captured=3456, **known)
    resource = Resource(resource_id=RESOURCE, provider_reference="NB2Zlz3")
    return Attempt(payment.payment_id, 1, reference, payment, resource=resource, account=Account("sandbox"))


def _form(command: PaymentCommand | ResourceOrder, attempt: Attempt) -> dict[str, str]:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    return _sent(operation.build(command, attempt))


def _sent(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True)) | dict(sign_form(request, KEYS))


def _order(amount: str, method: Any, *lines: tuple[str, str], **changed: Any) -> Any:
    price = money(amount, "TRY")
    basket = tuple(a_line(money(each, "TRY"), f"line-{place}", name=name) for place, (name, each) in enumerate(lines))
    return a_create_payment(price, method=method, buyer=BUYER, basket=basket or (a_line(price),), **changed)


TWO_LINES = (("Ürün 1", "18.00"), ("Ürün 2", "16.56"))
FRAME = HostedPage(kind="hosted_page", return_url="https://shop.example/ok")
TRANSFER = BankTransfer(kind="bank_transfer", return_url="https://shop.example/ok")
KEPT = StoredCard(kind="stored_card", card_token="ctok1", customer_key="utok1")
IBAN = "TR330006100519786457841326"

BUILT: dict[str, tuple[Any, Attempt]] = {
    "iframe_get_token_card": (_order("34.56", FRAME, *TWO_LINES), _attempt("SIPARIS123")),
    "iframe_get_token_eft": (_order("100.00", TRANSFER), _attempt("SIPARIS124")),
    "refund": (
        RefundPayment(payment_id=PAYMENT, amount=Price(minor=1190, currency="TRY")),
        _attempt("ref0001", refunded=3456 - 1190),
    ),
    "status_query": (QueryPayment(payment_id=PAYMENT), _attempt("x")),
    "card_list": (ListCards(resource_id=RESOURCE, customer_key="utok1"), _attempt("x")),
    "card_delete": (DeleteCard(resource_id=RESOURCE, card_token="ctok1", customer_key="utok1"), _attempt("x")),
    "direct_recurring": (
        _order("34.56", KEPT, ("Ürün 1", "34.56"), without_payer=True),
        _attempt("SIPARIS125"),
    ),
    "link_create_product": (
        CreateLink(resource_id=RESOURCE, name="Özel Tişört", price=money("14.45", "TRY")),
        _attempt("x"),
    ),
    "link_create_collection": (
        CreateLink(
            resource_id=RESOURCE,
            name="Fatura 42",
            price=money("14.45", "TRY"),
            purpose="collection",
            payer_email="alici@example.com",
        ),
        _attempt("x"),
    ),
    "link_delete": (DeleteLink(resource_id=RESOURCE), _attempt("x")),
    "link_send_sms": (SendLink(resource_id=RESOURCE, to_phone="+905551234567"), _attempt("x")),
    "link_send_email": (SendLink(resource_id=RESOURCE, to_email="alici@example.com"), _attempt("x")),
    "report_transactions": (ListTransactions(resource_id=RESOURCE, day=date(2026, 6, 1)), _attempt("x")),
    "report_payment_detail": (ListPayouts(resource_id=RESOURCE, day=date(2026, 6, 5)), _attempt("x")),
    "returned_transfers": (
        ListPayouts(resource_id=RESOURCE, day=date(2026, 6, 1), cursor="returned"),
        _attempt("x"),
    ),
    "platform_transfer": (
        TransferShare(
            payment_id=PAYMENT,
            amount=Price(minor=1000, currency="TRY"),
            recipient_name="ABC LTD",
            recipient_iban=IBAN,
        ),
        _attempt("TR1"),
    ),
}
OTHERWISE: Mapping[str, Mapping[str, str | None]] = {
    # One address serves for both ends, the address of the buyer has the street too, and no page is dark.
    "iframe_get_token_card": {
        "merchant_fail_url": "https://shop.example/ok",
        "user_address": "Bağdat Cad. 42, İstanbul",
        "iframe_v2_dark": None,
    },
    "iframe_get_token_eft": {
        "merchant_fail_url": "https://shop.example/ok",
        "user_address": "Bağdat Cad. 42, İstanbul",
        "user_name": "Ayşe Yılmaz",
        "user_phone": "05551112233",
        "iframe_v2_dark": None,
        # Of a transfer none of these is signed, and nobody reads them.
        **dict.fromkeys(("user_basket", "no_installment", "max_installment", "currency"), None),
    },
    "direct_recurring": {
        "user_name": "Ayşe Yılmaz",
        "user_address": "Bağdat Cad. 42, İstanbul",
        "merchant_ok_url": "https://www.paytr.com",
        "merchant_fail_url": "https://www.paytr.com",
        "sync_mode": "1",
        "client_lang": "tr",
    },
    # One part is said with the lowest number that PayTR's documents have.
    "link_create_product": {"max_installment": "1"},
    "link_create_collection": {"max_installment": "1"},
    "link_send_sms": {"debug_on": "0"},
    "link_send_email": {"debug_on": "0"},
    "report_transactions": {"end_date": "2026-06-01 23:59:59"},
    "returned_transfers": {"end_date": "2026-06-01 23:59:59"},
}
"""Where we send something else than their client does, or (`None`) nothing. Its token is then another one, too."""


@pytest.mark.parametrize("name", BUILT)
def test_a_command_becomes_the_form_that_their_client_sends(name: str) -> None:
    command, attempt = BUILT[name]
    expected = {**REQUESTS[name]["form"], **OTHERWISE.get(name, {})}
    sent = _form(command, attempt)
    changed = set(OTHERWISE.get(name, {})) & set(REQUESTS[name]["signed_fields"])
    for one in (sent, expected):
        token = one.pop("paytr_token", None)
        assert one is expected or changed or token == REQUESTS[name]["expected_paytr_token"]
    assert sent == {field: text for field, text in expected.items() if text is not None}


def test_look_ups_become_the_forms_that_their_client_sends() -> None:
    bin_read, rates_read = (CONNECTOR.read_named(name) for name in ("bin", "instalments"))
    assert bin_read is not None
    assert rates_read is not None
    assert _sent(bin_read.build(BinLookUp(bin_number="43550843"))) == REQUESTS["bin_detail"]["form"]
    rates = _sent(rates_read.build(InstalmentLookUp(price=money("100.00", "TRY"))))
    assert set(rates) == set(REQUESTS["installment_rates"]["form"])
    assert len(rates["request_id"]) <= 32


def test_only_what_no_command_says_is_never_sent() -> None:
    asked = {"bin_detail", "installment_rates"}
    assert set(REQUESTS) - set(BUILT) - asked == {"report_payment_summary", "bkm_express", "resend_returned"}


def test_a_links_calls_come_to_where_the_account_says_and_under_the_reference_of_its_making() -> None:
    command = CreateLink(resource_id=RESOURCE, name="Kupa", price=money("14.45", "TRY"), stock=3, most_instalments=36)
    heard = Account("sandbox", settings=PaytrSettings(link_callback_url="https://hub.example/webhooks/paytr-main"))
    unheard = _attempt("k0laj0001")
    form = _form(command, Attempt(PAYMENT, 1, "k0laj0001", unheard.payment, account=heard))
    assert (form["callback_link"], form["callback_id"]) == ("https://hub.example/webhooks/paytr-main", "k0laj0001")
    assert (form["max_count"], form["min_count"], form["max_installment"]) == ("3", "1", "12")
    assert {"callback_link", "callback_id"}.isdisjoint(_form(command, unheard))


def test_a_refund_says_no_more_than_is_left_where_no_amount_was_given() -> None:
    form = _form(RefundPayment(payment_id=PAYMENT), _attempt("r1", refunded=1000))
    assert form["return_amount"] == "24.56"
    assert Money.parse(form["return_amount"], "TRY").minor == 2456
