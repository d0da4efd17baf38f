"""What the answers about cards, subscriptions and reports come to, in full; the answers are those of the samples."""

from datetime import UTC, datetime
from typing import Any

import pytest

from providers.connector import Attempt
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.connector import CONNECTOR
from providers.payments.iyzico.operations_resource import RESOURCE_OPERATIONS
from providers.payments.iyzico.subscription_wire import SubscriptionFields, details_of
from providers.payments.iyzico.transactions import TransactionReport
from providers.reading import parse_json, read_wire
from schemas.ids import new_id
from schemas.payments import Reason, ShowPage
from schemas.payments.resources import (
    ACCEPTED,
    KeptCards,
    ListTransactions,
    PayoutPage,
    PlanDetails,
    QuerySubscription,
    SubscriptionDetails,
    TransactionPage,
)
from schemas.payments.resources.resource import Resource
from schemas.payments.resources.results import ResourcePending, SubscriptionQueried
from schemas.payments.results import Performed
from schemas.verdicts import Verdict
from tests.conformance.resource_orders import REFERENCE, RESOURCE_ID, a_resource_order
from tests.conformance.samples import Sample, an_attempt, samples

SAMPLES = {sample.name: sample for sample in samples() if sample.provider == "iyzico"}
OF_RESOURCES = [
    sample
    for sample in SAMPLES.values()
    if sample.operation in RESOURCE_OPERATIONS and sample.operation.command in ACCEPTED
]


def outcome_of(name: str) -> Outcome:
    found = SAMPLES[name].read()
    outcome = found if isinstance(found, Outcome) else found.outcome
    assert outcome is not None
    return outcome


def details(name: str, kind: type[Any]) -> Any:
    found = outcome_of(name).details
    assert isinstance(found, kind)
    return found


@pytest.mark.parametrize("sample", OF_RESOURCES, ids=lambda sample: sample.name)
def test_what_is_accepted_has_the_details_that_its_result_declares(sample: Sample) -> None:
    if sample.verdict() in {"accepted", "concluded"}:
        outcome = outcome_of(sample.name)
        if outcome.verdict is Verdict.ACCEPTED:
            declared = ACCEPTED[sample.operation.command].model_fields["details"].annotation
            assert isinstance(outcome.details, declared)  # type: ignore[arg-type] # it is a class


def test_kept_cards_are_told_without_a_number() -> None:
    kept = details("list-cards-of-buyer", KeptCards)
    older, newer = kept.cards
    assert (older.card_token, older.alias, older.bank) == ("tok-Zq1", "Benim kartım", "Akbank")
    assert {card.customer_key for card in kept.cards} == {kept.customer_key} == {"cust-Zq8"}
    assert newer.card is not None
    assert (newer.card.bin_number, newer.card.last_four, newer.card.family) == ("55260800", "0006", "Axess")


def test_a_plan_tells_what_it_takes() -> None:
    plan = details("create-plan-accepted", PlanDetails)
    assert (plan.plan_reference, plan.product_reference, str(plan.price)) == (
        "5179abff-c866-45df-b65e-55b2cd416772",
        "prod-1",
        "12.50 TRY",
    )


def test_a_subscription_tells_its_charges_and_leaves_out_those_that_are_void() -> None:
    told = details("query-subscription-active", SubscriptionDetails)
    waiting, paid = told.charges
    assert (waiting.state, waiting.payment_reference, str(waiting.amount)) == ("waiting", None, "12.50 TRY")
    assert (paid.order_reference, paid.state, paid.payment_reference) == ("order-0", "paid", "28157002")
    assert waiting.begins_at == datetime(2025, 11, 25, 17, 11, 50, tzinfo=UTC)
    assert told.trial_ends_at == datetime(2025, 12, 25, 17, 11, 50, tzinfo=UTC)


@pytest.mark.parametrize("word", [None, "", "active", "ACTİVE", "CANCELLED", "FROZEN", "ACTIVE "])
def test_a_status_word_that_the_documents_do_not_have_is_never_a_state(word: str | None) -> None:
    with pytest.raises(UnusableAnswer):
        details_of(SubscriptionFields(referenceCode="r", subscriptionStatus=word))


@pytest.mark.parametrize("moment", [-1, 10**18, "soon", True, 1.5, [], None])
def test_a_moment_that_is_none_is_left_out(moment: Any) -> None:
    told = {"referenceCode": "r", "subscriptionStatus": "ACTIVE", "startDate": moment}
    assert details_of(SubscriptionFields.model_validate(told)).began_at is None


def test_what_a_page_is_made_of_shows_in_a_browser_by_itself() -> None:
    for name in ("subscribe-on-page", "change-card-on-page"):
        page = outcome_of(name).next_action
        assert isinstance(page, ShowPage)
        assert page.html.startswith("<!DOCTYPE html>")
        assert '<div id="iyzipay-checkout-form" class="responsive"></div><script' in page.html


def test_changing_the_card_leaves_the_subscriptions_name_as_it_is() -> None:
    assert outcome_of("change-card-on-page").reference == REFERENCE


def test_an_upgrade_with_the_next_period_tells_of_the_new_one_and_goes_on_with_the_one_that_runs() -> None:
    outcome = outcome_of("upgrade-with-next-period")
    told = details("upgrade-with-next-period", SubscriptionDetails)
    assert (outcome.reference, told.state) == (REFERENCE, "pending")
    assert told.subscription_reference != REFERENCE


def test_a_day_s_rows_say_which_way_money_went_and_never_stand_below_zero() -> None:
    page = details("transactions-of-day", TransactionPage)
    payment, refund, cancel = page.transactions
    assert [row.kind for row in page.transactions] == ["payment", "refund", "cancel"]
    assert [str(row.amount) for row in page.transactions] == ["12.50 TRY", "5.00 TRY", "12.50 TRY"]
    assert (str(payment.fee), str(payment.net)) == ("0.56 TRY", "11.94 TRY")
    assert (refund.fee, str(refund.net), cancel.transaction_reference) == (None, "5.00 TRY", "70012347")
    assert (payment.payment_reference, payment.our_reference, payment.state) == ("22416032", "k0laj0000", "1")
    assert payment.at == datetime(2026, 11, 25, 11, 3, 11, tzinfo=UTC)


def test_pages_are_counted_by_what_was_asked_so_that_they_end() -> None:
    assert details("transactions-of-day", TransactionPage).next_cursor == "2"
    last = details("transactions-last-page", TransactionPage)
    assert (last.next_cursor, last.transactions[0].kind) == (None, "other")
    assert details("transactions-none", TransactionPage).next_cursor is None


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-11-25T14:03:11+03:00", 11),
        ("2026-11-25T14:03:11Z", 14),
        ("2026-11-25 14:03:11", 11),
        ("25.11.2026", None),
    ],
)
def test_a_moment_without_an_offset_is_turkish_time(written: str, hour: int | None) -> None:
    body = SAMPLES["transactions-of-day"].answer.body.replace(b"2026-11-25 14:03:11", written.encode())
    (first, *_) = _rows(body)
    assert (None if first.at is None else first.at.hour) == hour


@pytest.mark.parametrize(("written", "shown"), [(b"0.33333333", "0.33"), (b"0.33500000", "0.34"), (b"-0.5", "0.50")])
def test_eight_decimals_of_a_row_are_rounded_half_up(written: bytes, shown: str) -> None:
    body = SAMPLES["transactions-of-day"].answer.body.replace(b'"paidPrice":12.5', b'"paidPrice":' + written)
    assert str(_rows(body)[0].amount) == f"{shown} TRY"


def test_payouts_come_first_and_what_was_sent_back_on_the_second_page_without_persons() -> None:
    first = details("payouts-of-day", PayoutPage)
    assert [(one.kind, str(one.amount), one.merchant_key is None) for one in first.payouts] == [
        ("paid_out", "100.00 TRY", True),
        ("paid_out", "105.00 TRY", False),
    ]
    second = details("payouts-bounced", PayoutPage)
    assert (first.next_cursor, second.next_cursor, second.payouts[0].kind) == ("bounced", None, "returned")
    shown = repr(second)
    assert not [text for text in ("TR33", "Işıl", "Çağrı") if text in shown]


def test_a_page_that_nobody_has_finished_leaves_the_creation_open() -> None:
    known = Resource(resource_id=RESOURCE_ID)
    told: dict[str, Any] = {"resource_id": RESOURCE_ID, "concluded_at": datetime(2026, 11, 25, tzinfo=UTC)}
    begun = known.after(
        ResourcePending(
            command_id=new_id(),
            command_type="payments.create_subscription.v1",
            reason=Reason.ACTION_REQUIRED,
            performed=_by("token-1"),
            **told,
        )
    )
    asked = SubscriptionQueried(
        command_id=new_id(),
        command_type=QuerySubscription.type,
        performed=_by(None),
        details=details("query-subscription-page-open", SubscriptionDetails),
        **told,
    )
    after = begun.after(asked)
    assert (after.stage, after.provider_reference, after.open_commands) == ("pending", "token-1", begun.open_commands)
    over = asked.model_copy(update={"details": details("query-subscription-page-over", SubscriptionDetails)})
    assert after.after(over).stage == "ended"
    done = asked.model_copy(update={"details": details("query-subscription-by-token", SubscriptionDetails)})
    done = done.model_copy(update={"performed": _by(REFERENCE)})
    assert (after.after(done).stage, after.after(done).provider_reference) == ("active", REFERENCE)
    assert after.after(done).open_commands == ()


def _by(reference: str | None) -> Performed:
    return Performed(
        integration_id="iyzico-main", provider="iyzico", our_reference="k0laj0001", provider_reference=reference
    )


def _rows(body: bytes) -> Any:
    operation = CONNECTOR.operation_for(ListTransactions)
    assert operation is not None
    attempt: Attempt = an_attempt()
    outcome = operation.read(
        read_wire(parse_json(body), TransactionReport), a_resource_order(ListTransactions), attempt
    )
    assert isinstance(outcome.details, TransactionPage)
    return outcome.details.transactions


def test_what_it_was_before_is_not_what_an_upgrade_leads_to() -> None:
    """From plan 2 to plan 1, and back again: the first subscription to plan 2 is over, and is not the new one."""
    asked = SAMPLES["upgrade-inquiry-done"]
    body = asked.answer.body.replace(b'"UPGRADED"', b'"_"').replace(b'"ACTIVE"', b'"UPGRADED"', 1)
    found = asked.read(body=body.replace(b'"_"', b'"ACTIVE"'))
    assert isinstance(found, Finding)
    assert found.sighting is Sighting.ABSENT


def test_another_systems_words_do_not_cost_the_report_of_the_day() -> None:
    asked = SAMPLES["transactions-of-day"]
    body = asked.answer.body.replace(b'"k0laj0000"', '"sipariş no 12"'.encode(), 1)
    found = asked.read(body=body)
    assert isinstance(found, Outcome)
    assert isinstance(found.details, TransactionPage)
    assert [row.our_reference for row in found.details.transactions] == [None, "k0laj0000", "k0laj0000"]
