"""What a resource becomes by its results."""

import pytest

from schemas.payments.resources import (
    ACCEPTED,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreateSubscription,
    DeleteCard,
    DeleteLink,
    QuerySubscription,
    Resource,
    ResourceOrder,
    StoreCard,
    SubscriptionDetails,
    UpgradeSubscription,
)
from schemas.payments.resources.naming import name_in
from tests.builders import performed
from tests.resource_builders import (
    DETAILS,
    GIVEN,
    a_resource,
    a_resource_pending,
    a_resource_refused,
    a_resource_unknown,
    an_accepted,
)

NEW = a_resource("new")
CHANGE = ChangeSubscriptionCard.type
QUESTIONS = [kind for kind in GIVEN if not kind.moves]
ORDERS = [kind for kind in GIVEN if kind.moves]


@pytest.mark.parametrize("kind", GIVEN)
def test_an_accepted_command_leaves_a_resource_of_its_kind_and_a_mere_answer_none(kind: type[ResourceOrder]) -> None:
    after = NEW.after(an_accepted(kind))
    if ACCEPTED[kind].kind == "question":
        assert after == NEW
        return
    assert (after.kind, after.provider_reference) == (ACCEPTED[kind].kind, "subscription-1")
    assert after.stage == ("ended" if kind in {DeleteCard, DeleteLink} else "active")


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_question_without_an_answer_changes_nothing(kind: type[ResourceOrder]) -> None:
    before = a_resource("active")
    for result in (a_resource_unknown(kind), a_resource_pending(kind), a_resource_refused(kind)):
        assert before.after(result) == before


@pytest.mark.parametrize("kind", ORDERS)
def test_an_open_outcome_is_kept_with_its_command_until_an_answer_settles_it(kind: type[ResourceOrder]) -> None:
    unknown = a_resource_unknown(kind)
    after = NEW.after(unknown)
    assert (after.stage, after.kind) == ("unsettled", ACCEPTED[kind].kind)
    assert [known.command_id for known in after.open_commands] == [unknown.command_id]
    settled = after.after(an_accepted(QuerySubscription))
    assert (settled.stage, settled.open_commands) == ("active", ())


def test_the_names_of_a_resource_stay_and_a_question_gives_it_none() -> None:
    first = performed(our_reference="first", provider_reference="token-1")
    stored = NEW.after(an_accepted(StoreCard, performed=first))
    assert (stored.create_reference, stored.customer_reference) == ("first", "wallet-1")
    asked = performed(our_reference="second", provider_reference=None)
    later = stored.after(an_accepted(QuerySubscription, performed=asked))
    assert (later.create_reference, later.provider_reference) == ("first", "token-1")
    found = NEW.after(an_accepted(QuerySubscription, performed=asked))
    assert found.create_reference is None


@pytest.mark.parametrize(
    ("state", "stage"),
    [("active", "active"), ("unpaid", "active"), ("pending", "pending"), ("cancelled", "ended"), ("expired", "ended")],
)
def test_a_subscription_stands_as_its_provider_says(state: str, stage: str) -> None:
    details = SubscriptionDetails.model_validate({"state": state, "subscription_reference": "sub-1"})
    assert NEW.after(an_accepted(CancelSubscription, details=details)).stage == stage


def test_a_pending_creation_and_a_refusal() -> None:
    assert NEW.after(a_resource_pending(CreateSubscription)).stage == "pending"
    assert NEW.after(a_resource_refused(StoreCard)) == NEW


def test_a_command_that_waits_for_the_buyer_settles_no_open_outcome_beside_it() -> None:
    unknown = a_resource_unknown(UpgradeSubscription)
    after = a_resource("active").after(unknown).after(a_resource_pending(ChangeSubscriptionCard))
    assert after.stage == "unsettled", "or the upgrade would be made once more"
    assert [known.command_type for known in after.open_commands] == [UpgradeSubscription.type, CHANGE]
    assert after.after(an_accepted(QuerySubscription)).stage == "active"


def test_an_accepted_creation_whose_buyer_is_on_the_page_is_a_resource_and_a_mere_look_at_it_settles_nothing() -> None:
    waits = SubscriptionDetails(state="pending")
    created = NEW.after(an_accepted(CreateSubscription, details=waits))
    assert (created.stage, created.integration_id) == ("pending", "iyzico-main"), "or it would be created once more"
    begun = NEW.after(a_resource_pending(CreateSubscription))
    assert begun.after(an_accepted(QuerySubscription, details=waits)) == begun


@pytest.mark.parametrize("kind", GIVEN)
def test_what_a_provider_told_of_a_resource_names_it(kind: type[ResourceOrder]) -> None:
    named = name_in(DETAILS[kind])
    assert (named is None) == (ACCEPTED[kind].kind == "question")
    assert name_in(None) is None


def test_a_stored_state_reads_back_as_it_was() -> None:
    resource = NEW.after(a_resource_unknown(StoreCard))
    assert Resource.model_validate_json(resource.model_dump_json(exclude_defaults=True)) == resource
