"""What others met at Stripe, met here: repeats, stored failures, locks, strange side facts, renewals, second lines."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import providers
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.stripe import CONNECTOR
from schemas.errors import OutcomeUnknown, Throttled
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    Reason,
    RefundPayment,
    StartThreeDSecure,
)
from schemas.payments.resources import (
    GetBalance,
    ListCards,
    ListPayouts,
    ListTransactions,
    PayoutPage,
    QuerySubscription,
    SubscriptionDetails,
    TransactionPage,
    UpgradeSubscription,
)
from schemas.verdicts import FailureClass, Verdict
from tests.builders import lira
from tests.stripe_calls import (
    CARD,
    INTENT,
    REFERENCE,
    an_attempt,
    an_error,
    an_intent,
    built,
    judged,
)

SAMPLES = Path(providers.__path__[0]) / "payments" / "stripe" / "samples"


def outcome(kind: Any, body: Any, status: int = 200, **how: Any) -> Outcome:
    found = judged(kind, body, status, **how)
    assert isinstance(found, Outcome)
    return found


def body_of(sample: str) -> Any:
    return json.loads(json.loads((SAMPLES / f"{sample}.json").read_text())["body"])


def test_what_moves_something_may_be_sent_again_for_a_day_and_a_delete_never() -> None:
    kept = {operation.name: operation.repeatable_for_s for operation in CONNECTOR.operations if operation.moves_money}
    assert {name for name, seconds in kept.items() if seconds is None} == {"cancel_subscription"}
    assert {seconds for seconds in kept.values() if seconds is not None} == {24 * 3600}


def test_the_same_attempt_has_the_same_key_and_another_attempt_another_one() -> None:
    attempt = an_attempt(CreatePayment)
    assert built(CreatePayment, attempt, method=CARD) == built(CreatePayment, attempt, method=CARD)
    other = built(CreatePayment, replace(attempt, reference="k0laj0002"), method=CARD)
    assert dict(other.headers)["Idempotency-Key"] == "k0laj0002"


@pytest.mark.parametrize("replayed", ["true", None])
def test_a_replayed_answer_is_the_answer(replayed: str | None) -> None:
    headers = {} if replayed is None else {"idempotent-replayed": replayed}
    assert outcome(CreatePayment, an_intent(), headers=headers).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("advice", ["true", "false", None])
def test_a_stored_500_is_asked_about_whatever_stripe_advises(advice: str | None) -> None:
    headers = {} if advice is None else {"stripe-should-retry": advice}
    with pytest.raises(OutcomeUnknown) as unknown:
        judged(CreatePayment, an_error(None, "api_error"), 500, headers=headers)
    assert unknown.value.reason == "server_error"


def test_advice_to_send_the_same_again_is_no_refusal() -> None:
    body = an_error("card_declined", "card_error", decline_code="try_again_later")
    with pytest.raises(OutcomeUnknown) as unknown:
        judged(CreatePayment, body, 402, headers={"stripe-should-retry": "true"})
    assert unknown.value.reason == "unanswered"
    for advice in ("false", "perhaps"):
        assert outcome(CreatePayment, body, 402, headers={"stripe-should-retry": advice}).verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("code", "headers", "wait_s"),
    [
        ("lock_timeout", {}, None),
        ("rate_limit", {"stripe-rate-limited-reason": "endpoint-rate"}, None),
        ("rate_limit", {"retry-after": "7"}, 7.0),
    ],
)
def test_a_limit_and_a_busy_object_are_waited_for(code: str, headers: dict[str, str], wait_s: float | None) -> None:
    with pytest.raises(Throttled) as throttled:
        judged(CapturePayment, an_error(code), 429, headers=headers)
    assert throttled.value.retry_after_s == wait_s


def test_a_key_whose_first_request_still_runs_is_asked_about() -> None:
    with pytest.raises(OutcomeUnknown) as unknown:
        judged(CreatePayment, an_error("idempotency_key_in_use"), 409)
    assert unknown.value.reason == "in_progress"


def test_a_refusal_names_the_request_that_support_asks_for() -> None:
    refused = outcome(CreatePayment, an_error("amount_too_small"), 400, headers={"request-id": "req_Kolaj1"})
    assert "req_Kolaj1" in refused.detail
    assert "for people" not in refused.detail


def test_a_key_that_is_not_taken_is_told_from_a_wrong_request_by_the_status_alone() -> None:
    reasons = [outcome(CreatePayment, an_error(None), status).reason for status in (400, 401, 403)]
    assert reasons == [Reason.INVALID_REQUEST, Reason.INVALID_CREDENTIALS, Reason.CONFIGURATION]


def test_a_body_cannot_say_under_which_status_it_came() -> None:
    forged = {**an_error(None), "http": {"status": 401, "should_retry": True}}
    assert outcome(CreatePayment, forged, 400).reason is Reason.INVALID_REQUEST


def test_a_decline_keeps_the_intent_that_it_is_of() -> None:
    body = an_error("card_declined", "card_error", payment_intent=an_intent("requires_payment_method"))
    assert outcome(CreatePayment, body, 402).reference == INTENT


@pytest.mark.parametrize(
    "charge", [None, "ch_1", 7, [], {}, {"payment_method_details": 5}, {"payment_method_details": {"card": [1]}}]
)
def test_a_strange_card_does_not_cost_the_payment(charge: Any) -> None:
    told = outcome(CreatePayment, an_intent(latest_charge=charge))
    assert (told.verdict, told.card) == (Verdict.ACCEPTED, None)


def test_the_last_digits_of_a_card_are_digits() -> None:
    card = {"brand": "visa", "last4": "٤٢٤٢", "funding": 3}
    told = outcome(CreatePayment, an_intent(latest_charge={"payment_method_details": {"card": card}}))
    assert told.card is not None
    assert (told.card.association, told.card.card_type, told.card.last_four) == ("visa", None, None)


def test_a_card_is_told_as_kept_only_where_it_was_to_be_and_the_money_came() -> None:
    kept: dict[str, Any] = {"setup_future_usage": "off_session", "payment_method": "pm_1", "customer": {"id": "cus_1"}}
    stored = outcome(CreatePayment, an_intent(**kept)).stored_card
    assert stored is not None
    assert (stored.card_token, stored.customer_key) == ("pm_1", "cus_1")
    assert outcome(CreatePayment, an_intent("processing", **kept)).stored_card is None
    assert outcome(CreatePayment, an_intent(**kept | {"setup_future_usage": None})).stored_card is None
    assert outcome(CreatePayment, an_intent(**kept | {"customer": None})).stored_card is None


def test_the_script_of_stripe_is_no_page_to_send_a_payer_to() -> None:
    asked = outcome(StartThreeDSecure, an_intent("requires_action", next_action={"type": "use_stripe_sdk"}))
    assert (asked.verdict, asked.next_action, "cancel it" in asked.detail) == (Verdict.PENDING, None, True)


def test_a_completion_is_held_to_the_amount_of_its_start() -> None:
    assert outcome(CompleteThreeDSecure, an_intent()).verdict is Verdict.ACCEPTED
    assert outcome(CompleteThreeDSecure, an_intent(minor=1249)).verdict is Verdict.UNKNOWN
    told = an_attempt(CompleteThreeDSecure, lira("12.49"))
    assert outcome(CompleteThreeDSecure, an_intent(minor=1249), attempt=told).verdict is Verdict.ACCEPTED


def test_an_abandoned_bank_page_is_no_refusal_since_the_payer_may_still_go_on() -> None:
    page = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/1"}}
    assert outcome(CompleteThreeDSecure, an_intent("requires_action", next_action=page)).verdict is Verdict.PENDING


def test_a_hold_that_lapsed_is_seen_as_cancelled() -> None:
    lapsed = an_intent("canceled", cancellation_reason="automatic")
    assert outcome(QueryPayment, lapsed).state is ProviderState.CANCELLED
    found = judged(CapturePayment, lapsed, inquiry=True)
    assert isinstance(found, Finding)
    assert found.outcome is not None
    assert (found.outcome.verdict, found.outcome.reason) == (Verdict.REFUSED, Reason.NOT_AUTHORIZED)


def test_somebody_elses_capture_is_not_taken_for_ours() -> None:
    ours = an_intent(metadata={"kolaj_capture": REFERENCE})
    verdicts = []
    for intent in (ours, an_intent(metadata={"kolaj_capture": "k0laj0009"}), an_intent(metadata=None)):
        found = judged(CapturePayment, intent, inquiry=True)
        assert isinstance(found, Finding)
        assert found.outcome is not None
        verdicts.append(found.outcome.verdict)
    assert verdicts == [Verdict.ACCEPTED, Verdict.UNKNOWN, Verdict.UNKNOWN]


@pytest.mark.parametrize("ended", ["succeeded", "canceled", "processing", None])
def test_a_state_that_is_there_already_is_asked_about_and_any_other_is_refused(ended: str | None) -> None:
    more: dict[str, Any] = {} if ended is None else {"payment_intent": an_intent(ended)}
    body = an_error("payment_intent_unexpected_state", **more)
    held = an_attempt(CancelPayment, state="held")
    for kind, attempt, wanted in ((CapturePayment, None, "succeeded"), (CancelPayment, held, "canceled")):
        if ended == wanted:
            with pytest.raises(OutcomeUnknown):
                judged(kind, body, 400, attempt=attempt)
        else:
            assert outcome(kind, body, 400, attempt=attempt).failure is FailureClass.STATE


def test_a_second_refund_of_the_same_amount_is_told_from_the_first() -> None:
    refund = {"object": "refund", "amount": 500, "currency": "try", "payment_intent": INTENT, "status": "succeeded"}
    first = {**refund, "id": "re_1", "metadata": {"kolaj_reference": "k0laj0000"}}
    second = {**refund, "id": "re_2", "metadata": {"kolaj_reference": REFERENCE}}
    attempt = an_attempt(RefundPayment, lira("5.00"))
    sightings = []
    for data in ([first], [second, first]):
        found = judged(RefundPayment, {"object": "list", "data": data}, attempt=attempt, inquiry=True)
        assert isinstance(found, Finding)
        sightings.append(found.sighting)
    assert sightings == [Sighting.ABSENT, Sighting.CONCLUDED]


def test_a_failed_list_says_nothing_of_what_was_sent() -> None:
    for kind in (CreatePayment, RefundPayment):
        for status, body in ((401, an_error(None)), (404, an_error("resource_missing")), (200, {"object": "list"})):
            with pytest.raises(OutcomeUnknown):
                judged(kind, body, status, inquiry=True)


def test_a_subscription_with_a_second_line_has_no_one_line_to_change() -> None:
    told = body_of("query-subscription-active")
    told["items"]["data"].append({"id": "si_2", "price": {"id": "plan-9"}})
    details = outcome(QuerySubscription, told).details
    assert isinstance(details, SubscriptionDetails)
    assert (details.item_reference, details.plan_reference) == (None, None)


def test_a_change_that_is_not_ours_is_no_proof_of_ours() -> None:
    told = body_of("upgrade-subscription")
    told["metadata"]["kolaj_change"] = "k0laj0009"
    found = judged(UpgradeSubscription, told, inquiry=True)
    assert isinstance(found, Finding)
    assert found.sighting is Sighting.ABSENT


def test_movements_are_told_with_their_payment_their_reference_and_their_kind() -> None:
    details = outcome(ListTransactions, body_of("list-transactions")).details
    assert isinstance(details, TransactionPage)
    kinds = [line.kind for line in details.transactions]
    assert kinds == ["payment", "refund", "chargeback", "fee", "other", "other"]
    charge, refund, *_ = details.transactions
    assert (charge.payment_reference, charge.our_reference) == (INTENT, "k0laj0000")
    assert list(map(str, (charge.amount, charge.fee, charge.net))) == ["12.50 TRY", "0.66 TRY", "11.84 TRY"]
    assert (refund.amount.minor, refund.our_reference) == (500, REFERENCE)
    assert details.next_cursor == "txn_1QKolaj0006"


def test_payouts_are_told_with_the_way_the_money_went() -> None:
    details = outcome(ListPayouts, body_of("list-payouts")).details
    assert isinstance(details, PayoutPage)
    went = [(payout.kind, payout.state) for payout in details.payouts]
    assert went == [
        ("paid_out", "paid"),
        ("paid_out", "pending"),
        ("paid_out", "in_transit"),
        ("returned", "failed"),
        ("returned", "canceled"),
    ]


def test_a_page_of_movements_goes_on_where_the_last_one_ended() -> None:
    first, second = (dict(built(ListTransactions, cursor=cursor).query) for cursor in (None, "txn_1"))
    assert "starting_after" not in first
    assert second["starting_after"] == "txn_1"
    assert int(second["created[lt]"]) - int(second["created[gte]"]) == 86_400


@pytest.mark.parametrize(
    ("category", "amount", "kind"),
    [
        ("charge", 1250, "payment"),
        ("charge", -1250, "other"),
        ("refund", -500, "refund"),
        ("refund", 500, "other"),
        ("refund_failure", 500, "other"),
        ("dispute", -1250, "chargeback"),
        ("dispute_reversal", 1250, "other"),
        ("partial_capture_reversal", -250, "cancel"),
    ],
)
def test_what_came_back_is_not_listed_as_what_went(category: str, amount: int, kind: str) -> None:
    line = {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": amount,
        "currency": "eur",
        "reporting_category": category,
    }
    details = outcome(ListTransactions, {"object": "list", "data": [line], "has_more": False}).details
    assert isinstance(details, TransactionPage)
    assert [(one.kind, one.amount.minor) for one in details.transactions] == [(kind, abs(amount))]


@pytest.mark.parametrize("status", ["processing", "requires_capture", "succeeded"])
def test_an_error_beside_a_payment_that_goes_on_is_no_refusal(status: str) -> None:
    error = an_error("payment_intent_unexpected_state", payment_intent=an_intent(status))
    with pytest.raises(OutcomeUnknown):
        outcome(CreatePayment, error, 400, method=CARD)


@pytest.mark.parametrize("kind", [GetBalance, ListTransactions, ListPayouts, ListCards])
def test_a_question_that_is_not_allowed_is_refused(kind: Any) -> None:
    refused = outcome(kind, an_error(None), 403)
    assert (refused.verdict, refused.failure) == (Verdict.REFUSED, FailureClass.CONFIGURATION)
