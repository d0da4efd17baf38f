"""What is told of a command about a resource beside its result, and what a rebuild makes of it."""

from typing import Any

import pytest

from agents.payments.ledger_keys import id_in, is_of_resource, ledger_key
from agents.payments.rebuilding import Standing, abandoned
from agents.payments.records import PaymentRecords
from schemas.ids import new_id, result_id
from schemas.payments import CommandUnknown, CompleteThreeDSecure, CreatePayment, Payment
from schemas.payments.resources import (
    CancelSubscription,
    CreateSubscription,
    Resource,
    ResourceLateOutcome,
    ResourceResultDivergence,
    ResourceUnknown,
    StoreCard,
)
from schemas.payments.transitions import concerns_another
from schemas.payments.vocabulary import EVENTS
from streams.codec import Incoming, Outgoing, decode
from streams.topics import Topics
from tests.builders import NOON, a_create_payment, a_payment_created, a_start_pending, performed
from tests.resource_builders import a_resource_command, a_resource_unknown, an_accepted

RECORDS = PaymentRecords(Topics("t", 1))
MODELS: dict[str, Any] = {model.type: model for model in EVENTS}


def read(record: Outgoing) -> Incoming[Any]:
    return decode(MODELS, record.key, record.value, record.headers)


def test_a_result_is_keyed_by_its_resource_and_its_id_follows_from_the_command() -> None:
    stored = an_accepted(StoreCard)
    told = read(RECORDS.result(stored, None))
    assert (told.body, told.key) == (stored, str(stored.resource_id))
    assert told.envelope.id == result_id(stored.command_id)


def test_a_late_outcome_and_a_divergence_are_facts_of_the_resource() -> None:
    stored = an_accepted(StoreCard)
    late = read(RECORDS.late_outcome(stored, 4, NOON, None))
    assert isinstance(late.body, ResourceLateOutcome)
    assert (late.body.resource_id, late.body.epoch, late.key) == (stored.resource_id, 4, str(stored.resource_id))
    alarm = read(RECORDS.divergence(stored, "ab", "cd", NOON, None))
    assert isinstance(alarm.body, ResourceResultDivergence)
    assert (alarm.body.kept_digest, alarm.body.other_digest) == ("ab", "cd")
    assert len({late.envelope.id, alarm.envelope.id, result_id(stored.command_id)}) == 3


def test_a_payment_and_a_resource_of_one_id_are_two_keys() -> None:
    same = new_id()
    card, payment = a_resource_command(StoreCard, same), a_create_payment(payment_id=same)
    assert ledger_key(card) == ledger_key(an_accepted(StoreCard, resource_id=same)) == f"resources/{same}"
    assert ledger_key(payment) == ledger_key(a_payment_created(payment_id=same)) == f"payments/{same}"
    assert [is_of_resource(key) for key in (ledger_key(card), ledger_key(payment))] == [True, False]
    assert id_in(ledger_key(card)) == id_in(ledger_key(payment)) == same


def test_what_stands_is_what_the_results_add_up_to() -> None:
    one = new_id()
    standing = Standing(f"resources/{one}")
    for result in (
        an_accepted(CreateSubscription, resource_id=one),
        a_resource_unknown(CancelSubscription, resource_id=one),
    ):
        standing.add(result)
    key, state = standing.row
    assert key == f"resources/{one}"
    assert Resource.model_validate_json(state).stage == "unsettled"


def an_abandoned(key: str, *references: str, command_type: str = StoreCard.type) -> Any:
    row = {
        "key": key,
        "command_id": new_id(),
        "command_type": command_type,
        "attempts": 1,
        "integration_id": "acme-main",
        "integrations": ["acme-main"],
        "references": [*references],
        "first_sent_at": NOON,
    }
    return abandoned(row, {"acme-main": "acme"}, NOON)


@pytest.mark.parametrize(("family", "kind"), [("resources", ResourceUnknown), ("payments", CommandUnknown)])
def test_an_abandoned_command_ends_as_unknown_with_all_that_is_known(family: str, kind: type[Any]) -> None:
    one = new_id()
    told = an_abandoned(f"{family}/{one}", "a1")
    assert type(told) is kind
    assert (told.key, told.references, told.first_sent_at) == (str(one), ("a1",), NOON)
    assert told.performed is not None
    assert told.performed.provider == "acme"


def test_an_abandoned_creation_can_be_asked_about_by_the_one_reference_that_was_sent() -> None:
    key = f"payments/{new_id()}"
    payment = Payment(payment_id=id_in(key))
    created = payment.after(an_abandoned(key, "a1", command_type=CreatePayment.type))
    assert (created.stage, created.create_reference) == ("unsettled", "a1")
    # Of several nobody can say by which one the payment goes.
    assert payment.after(an_abandoned(key, "a1", "a2", command_type=CreatePayment.type)).create_reference is None


def test_a_word_on_an_abandoned_completion_is_about_no_further_attempt() -> None:
    key = f"payments/{new_id()}"
    started = Payment(payment_id=id_in(key)).after(a_start_pending(performed=performed(our_reference="start-1")))
    payment = started.after(an_abandoned(key, "complete-1", command_type=CompleteThreeDSecure.type))
    names = {"integration_id": None, "provider_reference": None}
    assert not concerns_another(payment, our_reference="complete-1", **names)
