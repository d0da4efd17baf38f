"""What a resource's state allows, and that its commands are never sent twice without a question."""

from datetime import timedelta
from typing import Any

import pytest

from agents.ledger import Ask, Claim, ClaimStatus, SentAttempt
from agents.payments.decisions import Call, Inquire, Promise, Refuse, Wait
from agents.payments.resources.decide import decide, makes_resource, refusal_of
from schemas.ids import new_id
from schemas.payments import Reason
from schemas.payments.resources import (
    ACCEPTED,
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreateSubscription,
    DeleteCard,
    DeleteLink,
    GetBalance,
    ListCards,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    ResourceOrder,
    RetrySubscriptionCharge,
    SendLink,
    StoreCard,
    TakeResourceNotice,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from tests.builders import NOON
from tests.resource_builders import GIVEN, a_resource, a_resource_command, a_resource_pending, an_accepted

CREATIONS = [kind for kind in GIVEN if makes_resource(kind)]
APART = [kind for kind, result in ACCEPTED.items() if result.kind == "question"]


def a_claim(*attempts: SentAttempt, status: ClaimStatus = ClaimStatus.TAKEN, **changed: Any) -> Claim:
    return Claim(Ask("resources/x", new_id(), "t", b"d"), status, attempts=attempts, **changed)


def why(command: type[ResourceOrder], stage: str, **changed: Any) -> Reason | None:
    """The reason of the refusal; `changed` is of the resource."""
    given = changed.pop("given", {})
    refusal = refusal_of(a_resource_command(command, **given), a_resource(stage, **changed))
    return None if refusal is None else refusal.reason


def test_a_new_command_is_called_once_and_one_that_may_have_been_sent_is_asked_about() -> None:
    command, new = a_resource_command(StoreCard), a_resource("new")
    assert decide(a_claim(), new, command, None, now=NOON) == Call(None)
    sent = SentAttempt(1, "iyzico-main", "ref1", "digest", maybe_sent=True)
    assert decide(a_claim(sent, sent_age_s=10.0), new, command, None, now=NOON) == Inquire(sent, None, resend=False)
    promise = Promise(86_400.0, None)
    found = decide(a_claim(sent, sent_age_s=10.0), new, command, promise, now=NOON)
    assert found == Inquire(sent, None, resend=True)


def test_what_may_have_been_sent_is_asked_about_whatever_the_state_says() -> None:
    sent = SentAttempt(1, "iyzico-main", "ref1", "digest", maybe_sent=True)
    command = a_resource_command(StoreCard, expires_at=NOON)
    found = decide(a_claim(sent), a_resource("active"), command, None, now=NOON, withdrawn="somebody")
    assert isinstance(found, Inquire)


def test_a_held_claim_waits_and_an_expired_or_withdrawn_command_is_refused() -> None:
    command = a_resource_command(StoreCard, expires_at=NOON)
    held = decide(a_claim(status=ClaimStatus.HELD, wait_s=1.0), a_resource("new"), command, None, now=NOON)
    assert isinstance(held, Wait)
    for now, withdrawn, reason in (
        (NOON, None, Reason.EXPIRED),
        (NOON - timedelta(hours=1), "Işıl: a mistake", Reason.WITHDRAWN),
    ):
        found = decide(a_claim(), a_resource("new"), command, None, now=now, withdrawn=withdrawn)
        assert isinstance(found, Refuse)
        assert found.reason is reason


@pytest.mark.parametrize("kind", CREATIONS)
def test_what_was_created_is_not_created_again(kind: type[ResourceOrder]) -> None:
    assert why(kind, "new") is None
    assert why(kind, "active") is Reason.RESOURCE_EXISTS
    assert why(kind, "pending") is Reason.RESOURCE_EXISTS
    assert why(kind, "ended") is Reason.RESOURCE_EXISTS
    assert why(kind, "unsettled", provider_reference=None) is Reason.RESOURCE_UNSETTLED


def test_only_creations_make_a_resource() -> None:
    assert RegisterSubMerchant in CREATIONS
    assert UpdateSubMerchant not in CREATIONS


@pytest.mark.parametrize(
    "kind",
    [
        ActivateSubscription,
        UpgradeSubscription,
        CancelSubscription,
        UpdateSubMerchant,
        DeleteCard,
        DeleteLink,
        SendLink,
    ],
)
def test_a_change_needs_a_resource_that_the_provider_calls_by_a_name(kind: type[ResourceOrder]) -> None:
    assert why(kind, "new") is Reason.RESOURCE_NOT_FOUND
    assert why(kind, "active") is None
    assert why(kind, "pending") is None
    assert why(kind, "pending", provider_reference=None) is Reason.RESOURCE_UNSETTLED
    assert why(kind, "ended") is Reason.RESOURCE_ENDED


def test_an_open_outcome_forbids_a_change_that_a_question_would_settle() -> None:
    assert why(CancelSubscription, "unsettled") is Reason.RESOURCE_UNSETTLED
    assert why(UpdateSubMerchant, "unsettled") is Reason.RESOURCE_UNSETTLED
    for kind in (DeleteCard, DeleteLink, SendLink):
        assert why(kind, "unsettled") is None


def test_a_charge_is_not_tried_again_while_an_earlier_try_is_open() -> None:
    tried = a_resource("active").after(a_resource_pending(RetrySubscriptionCharge))
    again = a_resource_command(RetrySubscriptionCharge)
    refusal = refusal_of(again, tried)
    assert refusal is not None
    assert refusal.reason is Reason.RESOURCE_UNSETTLED
    assert refusal_of(a_resource_command(CancelSubscription), tried) is None
    assert refusal_of(again, tried.after(an_accepted(QuerySubscription))) is None


def test_a_command_that_names_the_provider_s_own_name_needs_no_known_resource() -> None:
    assert why(DeleteCard, "new", given={"card_token": "token-9"}) is None
    assert why(DeleteCard, "ended", given={"card_token": "token-9"}) is Reason.RESOURCE_ENDED
    assert why(ChangeSubscriptionCard, "new") is None
    assert why(TakeResourceNotice, "new", given={"provider_reference": "subscription-9"}) is None


def test_a_question_is_asked_wherever_there_may_be_an_answer() -> None:
    assert why(QuerySubscription, "new") is Reason.RESOURCE_NOT_FOUND
    assert why(TakeResourceNotice, "new") is Reason.RESOURCE_NOT_FOUND
    for stage in ("pending", "active", "ended", "unsettled"):
        assert why(QuerySubscription, stage) is None
        assert why(TakeResourceNotice, stage) is None
    assert why(QuerySubMerchant, "new") is None  # the provider knows it by the resource's own id


def test_a_call_about_what_nobody_can_be_asked_about_says_where_to_look() -> None:
    notice = a_resource_command(TakeResourceNotice, order_reference="LNK7")
    refusal = refusal_of(notice, a_resource("active", kind="link"))
    assert refusal is not None
    assert refusal.reason is Reason.UNSUPPORTED_OPERATION
    assert refusal.detail == "no provider is asked about a link; find order LNK7 by listing the day's transactions"


@pytest.mark.parametrize("kind", APART)
def test_a_question_that_stands_alone_is_always_asked(kind: type[ResourceOrder]) -> None:
    assert {why(kind, stage) for stage in ("new", "active", "ended", "unsettled")} == {None}


def test_a_command_of_another_kind_is_refused() -> None:
    assert why(CancelSubscription, "active", kind="card") is Reason.INVALID_STATE
    assert why(DeleteCard, "active", kind="link", given={"card_token": "t"}) is Reason.INVALID_STATE
    assert why(CreateSubscription, "active", kind="card") is Reason.INVALID_STATE
    assert {ListCards, GetBalance} <= set(APART)
    assert why(ListCards, "active", kind="link") is None
