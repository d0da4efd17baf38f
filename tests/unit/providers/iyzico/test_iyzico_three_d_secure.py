"""3-D Secure at iyzico: what the start and the completion say, and when a completion is never sent."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from providers.connector import Answer, Attempt, Request, Unsayable
from providers.judging import Asked, judge_outcome
from providers.outcome import Outcome, ProviderState
from providers.payments.iyzico import CONNECTOR
from providers.payments.iyzico.signing import SIGNED, signature_of
from providers.reading import parse_json
from schemas.errors import OutcomeUnknown
from schemas.payments import (
    CardRef,
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    PaymentCommand,
    Reason,
    ReturnedField,
    ShowPage,
    StartThreeDSecure,
    StoredCard,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests import builders
from tests.builders import lira
from tests.conformance.samples import (
    CARD,
    COMMAND_ID,
    NOW,
    PAYMENT_ID,
    a_command,
    a_payment,
    an_attempt,
    an_integration,
)

BODY = dict[str, Any]
BACK = {"status": "success", "mdStatus": "1", "paymentId": "22416032", "conversationData": "", "conversationId": "k"}
PAGE = "<!doctype html><form action='https://bank.example/üç'></form>"


def built(command: Command, attempt: Attempt) -> tuple[str, BODY]:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    request = operation.build(command, attempt)
    return request.path, json.loads(request.body)


def judged(command: PaymentCommand, attempt: Attempt, answer: BODY) -> Outcome:
    """The machinery's judgement of a signed answer."""
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    request = operation.build(command, attempt)
    said = {"status": "success", "conversationId": attempt.reference, **answer}
    keys = an_integration(CONNECTOR).credentials
    values = parse_json(json.dumps(said).encode())
    said["signature"] = signature_of(SIGNED[request.path], values, keys["secret_key"].get_secret_value().encode())
    return judge_outcome(
        Asked(
            integration=an_integration(CONNECTOR),
            operation=operation.name,
            command=command,
            attempt=attempt,
            request=request,
            now=NOW,
        ),
        operation,
        Answer(200, {"content-type": "application/json"}, json.dumps(said).encode(), None),
    )


def a_start(**changed: Any) -> StartThreeDSecure:
    command = a_command(StartThreeDSecure, **changed)
    assert isinstance(command, StartThreeDSecure)
    return command


def a_completion(**returned: str) -> CompleteThreeDSecure:
    return builders.a_complete_three_d_secure(PAYMENT_ID, **returned)


def paid(**changed: Any) -> BODY:
    told = {"paymentId": "22416032", "paidPrice": 12.5, "price": 12.5, "currency": "TRY", "fraudStatus": 1}
    return told | {"phase": "AUTH", "mdStatus": 1, **changed}


@pytest.mark.parametrize(("capture", "end"), [("auto", ""), ("manual", "/preauth")])
def test_a_start_says_what_a_payment_says_and_where_the_payer_comes_back_to(capture: str, end: str) -> None:
    start = a_start(capture=capture, instalments=3)
    path, sent = built(start, an_attempt())
    _, payment = built(a_command(CreatePayment, instalments=3), an_attempt())
    assert path == f"/payment/3dsecure/initialize{end}"
    assert sent == payment | {"callbackUrl": "https://shop.example/back"}


def test_a_card_to_keep_is_registered_for_the_buyer_that_iyzico_knows() -> None:
    card = CardRef(kind="card_ref", card_ref=COMMAND_ID)
    attempt = replace(an_attempt(), card=CARD)
    for kind in (StartThreeDSecure, CreatePayment):
        known = built(a_command(kind, method=card, store_card=True, customer_key="usr-1"), attempt)[1]["paymentCard"]
        fresh = built(a_command(kind, method=card, store_card=True), attempt)[1]["paymentCard"]
        once = built(a_command(kind, method=card, customer_key="usr-1"), attempt)[1]["paymentCard"]
        assert (known["registerCard"], known["cardUserKey"]) == (1, "usr-1")
        assert fresh["registerCard"] == 1
        assert once["registerCard"] == 0
        assert not {"cardUserKey"} & (set(fresh) | set(once))


def test_a_kept_card_is_named_with_its_buyer_wherever_the_command_says_who_that_is() -> None:
    card = StoredCard(kind="stored_card", card_token="tok-1")
    _, sent = built(a_start(method=card, customer_key="usr-1"), an_attempt())
    assert sent["paymentCard"] == {"cardUserKey": "usr-1", "cardToken": "tok-1"}


def test_the_payer_is_shown_the_banks_page_as_it_came() -> None:
    content = base64.b64encode(PAGE.encode()).decode()
    outcome = judged(a_start(), an_attempt(), {"paymentId": "22416035", "threeDSHtmlContent": content})
    assert outcome.next_action == ShowPage(html=PAGE)
    assert (outcome.verdict, outcome.reference, outcome.amount) == (Verdict.PENDING, "22416035", None)


@pytest.mark.parametrize(
    "content", [None, "", "PGh0bWw", "PGh0bWw+\n", "p ge", "ü", base64.b64encode(b"\x00").decode()]
)
def test_what_is_no_page_is_no_start(content: str | None) -> None:
    with pytest.raises(OutcomeUnknown):
        judged(a_start(), an_attempt(), {"paymentId": "22416035", "threeDSHtmlContent": content})


def test_a_page_that_is_too_long_to_be_passed_on_is_no_start() -> None:
    content = base64.b64encode(b"x" * 200_001).decode()
    with pytest.raises(OutcomeUnknown):
        judged(a_start(), an_attempt(), {"paymentId": "22416035", "threeDSHtmlContent": content})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"without_payer": True}, Reason.INVALID_REQUEST),
        (
            {"method": HostedPage(kind="hosted_page", return_url="https://shop.example/back")},
            Reason.UNSUPPORTED_METHOD,
        ),
        ({"method": CardRef(kind="card_ref", card_ref=COMMAND_ID)}, Reason.CARD_EXPIRED),
    ],
)
def test_a_start_that_no_bank_can_ask_about_is_not_sent(changed: BODY, reason: Reason) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(a_start(**changed), an_attempt())
    assert unsayable.value.reason is reason


def test_a_completion_says_again_what_was_started() -> None:
    path, sent = built(a_completion(**BACK), an_attempt("started"))
    assert path == "/payment/v2/3dsecure/auth"
    assert sent == {
        "locale": "en",
        "conversationId": "k0laj0001",
        "paymentId": "22416032",
        "paidPrice": "12.50",
        "basketId": "order-1001",
        "currency": "TRY",
    }


def test_a_completion_without_returned_fields_is_left_to_iyzico() -> None:
    assert built(a_completion(), an_attempt("started", lira("12.50"))) == built(
        a_completion(**BACK), an_attempt("started")
    )


@pytest.mark.parametrize(
    "returned",
    [
        *({**BACK, "mdStatus": word} for word in ("0", "-1", "2", "3", "4", "5", "6", "7", "8", "", "01", "\uff11")),
        *({**BACK, "status": word} for word in ("failure", "", "Success", "SUCCESS", "success ")),
        {"mdStatus": "0"},
        {"status": "failure"},
    ],
)
def test_a_payer_whom_the_bank_did_not_let_through_pays_nothing(returned: dict[str, str]) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(a_completion(**returned), an_attempt("started"))
    assert unsayable.value.reason is Reason.AUTHENTICATION_FAILED


def test_a_field_that_came_twice_says_neither() -> None:
    both = tuple(ReturnedField(name="mdStatus", value=value) for value in ("1", "0"))
    with pytest.raises(Unsayable) as unsayable:
        built(CompleteThreeDSecure(payment_id=PAYMENT_ID, returned=both), an_attempt("started"))
    assert unsayable.value.reason is Reason.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("state", "returned", "reason"),
    [
        ("started", BACK | {"paymentId": "22416099"}, Reason.INVALID_REQUEST),
        ("started", BACK | {"paymentId": "22416099", "mdStatus": "0"}, Reason.INVALID_REQUEST),
        ("new", BACK, Reason.PAYMENT_NOT_FOUND),
        ("on_page", BACK, Reason.PAYMENT_NOT_FOUND),
        ("captured", BACK, Reason.INVALID_STATE),
    ],
)
def test_a_completion_of_what_was_not_started_is_not_sent(state: str, returned: dict[str, str], reason: Reason) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(a_completion(**returned), an_attempt(state))
    assert unsayable.value.reason is reason


def test_a_start_whose_order_is_not_known_is_not_completed() -> None:
    payment = a_payment("started")
    lost = payment.open_commands[0].model_copy(update={"order_id": None})
    attempt = replace(an_attempt(), payment=payment.model_copy(update={"open_commands": (lost,)}))
    with pytest.raises(Unsayable, match="no start"):
        built(a_completion(**BACK), attempt)


def test_a_hold_that_was_started_is_completed_as_a_hold() -> None:
    payment = a_payment("started")
    hold = payment.open_commands[0].model_copy(update={"capture": "manual"})
    attempt = replace(an_attempt(amount=lira("12.50")), payment=payment.model_copy(update={"open_commands": (hold,)}))
    held = judged(a_completion(**BACK), attempt, paid(phase="PRE_AUTH"))
    assert (held.verdict, held.state) == (Verdict.ACCEPTED, ProviderState.AUTHORIZED)
    assert judged(a_completion(**BACK), attempt, paid()).verdict is Verdict.UNKNOWN


def test_a_card_that_was_kept_while_paying_is_told() -> None:
    outcome = judged(
        a_completion(**BACK),
        an_attempt("started", lira("12.50")),
        paid(cardUserKey="usr-1", cardToken="tok-1", lastFourDigits="0006"),
    )
    assert outcome.stored_card is not None
    assert (outcome.stored_card.card_token, outcome.stored_card.customer_key) == ("tok-1", "usr-1")
    assert outcome.stored_card.card is not None
    assert outcome.stored_card.card.last_four == "0006"


@pytest.mark.parametrize("names", [{"cardToken": "tok-1"}, {"cardUserKey": "u", "cardToken": "ü 1"}, {}])
def test_a_kept_card_that_cannot_be_named_costs_no_payment(names: BODY) -> None:
    outcome = judged(a_completion(**BACK), an_attempt("started", lira("12.50")), paid(**names))
    assert (outcome.verdict, outcome.stored_card) == (Verdict.ACCEPTED, None)


@pytest.mark.parametrize("word", [0, 4, "1 ", "success", 11])
def test_a_success_of_a_payer_who_was_not_let_through_is_none(word: object) -> None:
    with pytest.raises(OutcomeUnknown):
        judged(a_completion(**BACK), an_attempt("started", lira("12.50")), paid(mdStatus=word))


def test_the_payments_standing_is_asked_for_by_its_own_id_and_the_starts_by_its_reference() -> None:
    asked = {}
    for kind in (StartThreeDSecure, CompleteThreeDSecure):
        operation = CONNECTOR.operation_for(kind)
        assert operation is not None
        assert operation.inquiry is not None
        request: Request = operation.inquiry.build(a_command(kind), an_attempt("started", reference="r3f"))
        asked[kind] = json.loads(request.body)
    assert asked[StartThreeDSecure]["paymentConversationId"] == "r3f"
    assert asked[CompleteThreeDSecure]["paymentId"] == "22416032"


def test_nothing_of_three_d_secure_is_sent_twice() -> None:
    for kind in (StartThreeDSecure, CompleteThreeDSecure):
        operation = CONNECTOR.operation_for(kind)
        assert operation is not None
        assert (operation.moves_money, operation.repeatable_for_s, operation.resend_after_absence_s) == (
            True,
            None,
            None,
        )
