"""From a provider's outcome to the one result of a command about a resource."""

from typing import Any

import pytest
from pydantic import ValidationError

from agents.payments.decisions import Refuse
from agents.payments.records import PaymentRecords
from agents.payments.resources.conclude import ConcludeResource
from providers.details import checked_details
from providers.outcome import Outcome
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Reason, Redirect, ShowPage
from schemas.payments.resources import (
    ACCEPTED,
    ChangeSubscriptionCard,
    CreateSubscription,
    ListTransactions,
    ProductDetails,
    ResourceOrder,
    ResourcePending,
    ResourceRefused,
    StoreCard,
    TakeResourceNotice,
    Transaction,
    TransactionPage,
)
from schemas.payments.resources.results import SubscriptionQueried, TransactionsListed
from schemas.verdicts import FailureClass, Verdict
from streams.codec import MAX_VALUE_BYTES
from streams.topics import Topics
from tests.builders import NOON, a_capture_payment, performed
from tests.resource_builders import DAY, DETAILS, GIVEN, a_resource_command


def conclude(kind: type[ResourceOrder], **changed: Any) -> ConcludeResource:
    return ConcludeResource(new_id(), a_resource_command(kind, **changed), attempts=1, at=NOON)


@pytest.mark.parametrize("kind", GIVEN)
def test_an_accepted_command_ends_as_its_own_type_with_what_the_provider_told(kind: type[ResourceOrder]) -> None:
    outcome = Outcome(verdict=Verdict.ACCEPTED, details=DETAILS[kind])
    result = conclude(kind).by_provider(outcome, performed())
    assert type(result) is ACCEPTED[kind]
    assert getattr(result, "details", None) == DETAILS[kind]
    assert checked_details(outcome, a_resource_command(kind)) == outcome


@pytest.mark.parametrize("kind", GIVEN)
def test_an_accepted_outcome_without_its_details_is_never_a_success(kind: type[ResourceOrder]) -> None:
    other = DETAILS[StoreCard] if kind is not StoreCard else ProductDetails(product_reference="p")
    for details in (None, other):
        outcome = Outcome(verdict=Verdict.ACCEPTED, details=details)
        assert checked_details(outcome, a_resource_command(kind)).verdict is Verdict.UNKNOWN
        with pytest.raises(ValidationError):
            conclude(kind).by_provider(outcome, performed())


def test_payments_and_other_verdicts_need_no_details() -> None:
    outcome = Outcome(verdict=Verdict.ACCEPTED)
    assert checked_details(outcome, a_capture_payment()) == outcome
    refused = Outcome(verdict=Verdict.REFUSED)
    assert checked_details(refused, a_resource_command(StoreCard)) == refused


def test_a_refusal_tells_their_words_and_a_pending_one_what_the_buyer_does_next() -> None:
    said = Outcome(verdict=Verdict.REFUSED, reason=Reason.EXPIRED_CARD, their_code="54", their_group="EXPIRED")
    refused = conclude(StoreCard).by_provider(said, performed())
    assert isinstance(refused, ResourceRefused)
    assert (refused.reason, refused.provider_code, refused.failure) == (
        Reason.EXPIRED_CARD,
        "54",
        FailureClass.DECLINED,
    )
    action = Redirect(url="https://pay.example/subscribe")
    waits = conclude(CreateSubscription).by_provider(Outcome(verdict=Verdict.PENDING, next_action=action), performed())
    assert isinstance(waits, ResourcePending)
    assert (waits.next_action, waits.reason) == (action, Reason.ACTION_REQUIRED)


@pytest.mark.parametrize("html", ["<input name=pan value=5528790000000008>", "ş" * 200_000 + "\t" * 200_000])
@pytest.mark.parametrize("kind", [CreateSubscription, ChangeSubscriptionCard])
def test_a_page_that_no_record_may_hold_is_a_refusal(kind: type[ResourceOrder], html: str) -> None:
    outcome = Outcome(verdict=Verdict.PENDING, next_action=ShowPage.model_construct(html=html))
    result = conclude(kind).by_provider(outcome, performed())
    assert isinstance(result, ResourceRefused)
    assert (result.reason, result.failure) == (Reason.OTHER, FailureClass.CONFIGURATION)
    assert "5528790000000008" not in result.model_dump_json()


@pytest.mark.parametrize(("movements", "ends_as"), [(1_000, TransactionsListed), (8_000, ResourceRefused)])
def test_an_answer_that_no_reader_would_take_ends_as_a_refusal_that_every_reader_takes(
    movements: int, ends_as: type[Any]
) -> None:
    one = Transaction(kind="payment", transaction_reference="t" * 64, amount=Money(minor=12_345, currency="TRY"))
    page = TransactionPage(day=DAY, transactions=(one,) * movements)
    result = conclude(ListTransactions).by_provider(Outcome(verdict=Verdict.ACCEPTED, details=page), performed())
    assert type(result) is ends_as
    assert len(PaymentRecords(Topics()).result(result, None).value or b"") < MAX_VALUE_BYTES


def test_an_unknown_outcome_concludes_nothing() -> None:
    with pytest.raises(ValueError, match="ask the provider"):
        conclude(StoreCard).by_provider(Outcome(verdict=Verdict.UNKNOWN), performed())


def test_a_notice_ends_as_a_query_that_says_what_was_heard() -> None:
    outcome = Outcome(verdict=Verdict.ACCEPTED, details=DETAILS[TakeResourceNotice])
    result = conclude(TakeResourceNotice, event_id="event-9").by_provider(outcome, performed())
    assert isinstance(result, SubscriptionQueried)
    assert (result.event_id, result.event_type) == ("event-9", "subscription.order.success")


def test_the_hub_s_own_refusal_and_an_unknown_end_carry_all_that_is_known() -> None:
    refused = conclude(StoreCard).refused(Refuse(Reason.RESOURCE_EXISTS, FailureClass.STATE, "it exists"))
    assert (refused.reason, refused.performed, refused.concluded_at) == (Reason.RESOURCE_EXISTS, None, NOON)
    unknown = conclude(StoreCard).unknown("nobody knows", performed=performed(), references=("a",), first_sent_at=NOON)
    assert (unknown.references, unknown.first_sent_at, unknown.reason) == (("a",), NOON, Reason.OUTCOME_UNKNOWN)
