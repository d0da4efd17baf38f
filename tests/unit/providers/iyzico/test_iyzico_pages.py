"""Pages of iyzico's on which the payer pays: what their start says, and how such a payment is found."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from providers.connector import Attempt, Unsayable
from providers.outcome import Finding, Sighting
from providers.payments.iyzico import CONNECTOR
from providers.payments.iyzico.query import read_query
from providers.payments.iyzico.wire import StandingReply
from schemas.money import Share
from schemas.payments import (
    BankTransfer,
    CancelPayment,
    CreatePayment,
    HostedPage,
    PaymentCommand,
    QueryPayment,
    Reason,
    RefundPayment,
    Wallet,
)
from schemas.payments.vocabulary import Command
from tests.builders import lira
from tests.conformance.samples import COMMAND_ID, a_command, a_payment, an_attempt, samples

BACK = "https://shop.example/back"
TOKEN = "e828c62d-fd12-4b1a-ad5a-380f15fe6596"
FORM = "/payment/iyzipos/checkoutform/initialize"
ORDERED_MS = COMMAND_ID.int >> 80
TWO_HOURS_MS = 7_200_000


def a_page(**changed: Any) -> HostedPage:
    return HostedPage(kind="hosted_page", return_url=BACK, **changed)


def built(command: Command, attempt: Attempt | None = None) -> tuple[str, dict[str, Any]]:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    request = operation.build(command, attempt or an_attempt())
    return request.path, json.loads(request.body)


@pytest.mark.parametrize(("capture", "kind"), [("auto", "auth"), ("manual", "preauth")])
def test_a_page_is_told_all_but_the_card(capture: str, kind: str) -> None:
    path, sent = built(a_command(CreatePayment, method=a_page(), capture=capture))
    _, by_card = built(a_command(CreatePayment))
    del by_card["paymentCard"], by_card["installment"]
    assert path == f"{FORM}/{kind}/ecom"
    assert sent == by_card | {"callbackUrl": BACK}


@pytest.mark.parametrize(
    ("most", "offered"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 3]), (12, [1, 2, 3, 6, 9, 12]), (36, [1, 2, 3, 6, 9, 12])]
)
def test_a_page_offers_as_many_instalments_as_are_allowed(most: int, offered: list[int]) -> None:
    assert built(a_command(CreatePayment, method=a_page(most_instalments=most)))[1]["enabledInstallments"] == offered


def test_a_page_offers_the_cards_that_are_kept_for_the_buyer() -> None:
    assert built(a_command(CreatePayment, method=a_page(customer_key="usr-1")))[1]["cardUserKey"] == "usr-1"
    assert built(a_command(CreatePayment, method=a_page(), customer_key="usr-2"))[1]["cardUserKey"] == "usr-2"


def test_a_transfer_is_announced_on_the_form_and_a_wallet_has_its_own_page() -> None:
    transfer = BankTransfer(kind="bank_transfer", return_url=BACK)
    wallet = Wallet(kind="wallet", wallet="iyzico", return_url=BACK)
    assert built(a_command(CreatePayment, method=transfer))[0] == f"{FORM}/auth/ecom"
    path, sent = built(a_command(CreatePayment, method=wallet))
    assert path == "/payment/pay-with-iyzico/initialize"
    assert (sent["basketId"], sent["callbackUrl"]) == ("order-1001", BACK)
    assert not {"paymentCard", "installment", "enabledInstallments"} & set(sent)


def test_shipping_stands_in_the_paid_price_and_not_in_the_basket() -> None:
    command = a_command(
        CreatePayment, method=a_page(), shipping=Share(minor=300, currency="TRY"), paid_price=lira("15.50")
    )
    _, sent = built(command)
    assert (sent["price"], sent["paidPrice"]) == ("12.50", "15.50")
    assert [item["price"] for item in sent["basketItems"]] == ["12.50"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"method": a_page(), "without_payer": True}, Reason.INVALID_REQUEST),
        ({"method": a_page(), "instalments": 3}, Reason.INSTALMENTS_NOT_PERMITTED),
        (
            {"method": BankTransfer(kind="bank_transfer", return_url=BACK), "capture": "manual"},
            Reason.UNSUPPORTED_METHOD,
        ),
        (
            {"method": Wallet(kind="wallet", wallet="iyzico", return_url=BACK), "capture": "manual"},
            Reason.UNSUPPORTED_METHOD,
        ),
        ({"method": Wallet(kind="wallet", wallet="bkm_express", return_url=BACK)}, Reason.UNSUPPORTED_METHOD),
    ],
)
def test_what_no_page_does_is_not_sent(changed: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(a_command(CreatePayment, **changed))
    assert unsayable.value.reason is reason


def test_a_renewal_with_a_kept_card_is_an_ordinary_payment() -> None:
    assert built(a_command(CreatePayment, without_payer=True)) == built(a_command(CreatePayment))
    assert built(a_command(CreatePayment, without_payer=True))[0] == "/payment/auth"


def test_a_payment_on_a_page_is_found_by_its_token_until_it_has_an_id() -> None:
    waiting = replace(an_attempt(), payment=a_payment("on_page"))
    path, sent = built(a_command(QueryPayment), waiting)
    assert path == "/payment/iyzipos/checkoutform/auth/ecom/detail"
    assert sent == {"locale": "en", "conversationId": "k0laj0001", "token": TOKEN}
    assert built(a_command(QueryPayment), an_attempt("captured"))[0] == "/payment/detail"


@pytest.mark.parametrize("kind", [CancelPayment, RefundPayment])
def test_a_token_is_never_sent_as_the_id_of_a_payment(kind: type[PaymentCommand]) -> None:
    waiting = replace(an_attempt(amount=lira("12.50")), payment=a_payment("on_page"))
    with pytest.raises(Unsayable, match="not known yet"):
        built(a_command(kind), waiting)


def standing(word: str, moment: object, command_id: UUID = COMMAND_ID) -> str:
    """How a payment on a page is told to stand, by iyzico's clock."""
    payment = a_payment("on_page")
    ordered = payment.open_commands[0].model_copy(update={"command_id": command_id})
    attempt = replace(an_attempt(), payment=payment.model_copy(update={"open_commands": (ordered,)}))
    declined = {"status": "success", "paymentStatus": "FAILURE", "errorCode": "10051"}
    said = declined if word == "FAILURE" else {"status": "failure", "errorCode": word}
    reply = StandingReply.model_validate(said | {"systemTime": moment})
    command = a_command(QueryPayment)
    assert isinstance(command, QueryPayment)
    found = read_query(reply, command, attempt)
    assert found.state is not None
    return found.state.value


@pytest.mark.parametrize(("word", "open_word"), [("FAILURE", "pending"), ("5087", "not_found"), ("5124", "not_found")])
def test_only_a_page_that_is_over_ends_unpaid(word: str, open_word: str) -> None:
    for moment in (ORDERED_MS, ORDERED_MS + TWO_HOURS_MS, str(ORDERED_MS + 1000), None, "soon", "9" * 16):
        assert standing(word, moment) == open_word
    for moment in (ORDERED_MS + TWO_HOURS_MS + 1, str(ORDERED_MS + 2 * TWO_HOURS_MS)):
        assert standing(word, moment) == "failed"


def test_an_order_whose_id_tells_no_moment_ends_by_no_clock() -> None:
    assert standing("FAILURE", ORDERED_MS * 2, UUID("0d0c1f0e-6f0b-4c57-9a53-2f2a6f4f5d10")) == "pending"


def test_a_page_that_the_hub_has_settled_ended_as_it_is_told() -> None:
    settled = a_payment("on_page", open_commands=(), stage="new")
    reply = StandingReply.model_validate({"status": "failure", "errorCode": "5124", "systemTime": ORDERED_MS})
    command = a_command(QueryPayment)
    assert isinstance(command, QueryPayment)
    found = read_query(reply, command, replace(an_attempt(), payment=settled))
    assert found.state is not None
    assert found.state.value == "failed"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("buyer_request", "BUYER_REQUEST"),
        ("double_payment", "DOUBLE_PAYMENT"),
        ("fraud", "FRAUD"),
        ("the buyer's request", "OTHER"),
    ],
)
def test_a_refund_says_why_in_their_words_where_they_have_one(said: str, told: str) -> None:
    for command in (a_command(RefundPayment, reason=said), a_command(RefundPayment, reason=said, line_id="line-1")):
        _, sent = built(command, an_attempt("captured", lira("1.00")))
        assert (sent["reason"], sent["description"]) == (told, said)
    assert "reason" not in built(a_command(RefundPayment), an_attempt("captured", lira("1.00")))[1]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("name", ["create-page-inquiry-absent", "start-3ds-inquiry-absent"])
def test_a_page_is_lost_also_where_a_failure_comes_under_a_status_of_its_own(name: str, status: int) -> None:
    asked = next(sample for sample in samples() if (sample.provider, sample.name) == ("iyzico", name))
    found = asked.read(status=status)
    assert isinstance(found, Finding)
    assert found.outcome is not None
    assert (found.sighting, found.outcome.reason) == (Sighting.CONCLUDED, Reason.PAGE_LOST)
