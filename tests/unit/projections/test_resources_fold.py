"""Results about resources to rows of `payment_resources`, jobs and audit entries."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from projections.audit.fold import fold as audited
from projections.entry import Entry
from projections.jobs.fold import Ended, Published
from projections.jobs.fold import fold as jobs
from projections.payments.fold import fold as payments
from projections.resources.fold import ResourceRow, fold
from projections.resources.write import waves
from schemas.ids import new_id
from schemas.payments import Redirect
from schemas.payments.resources import (
    ACCEPTED,
    RESOURCE_EVENTS,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreateSubscription,
    GetBalance,
    QuerySubscription,
    ResourceOrder,
    StoreCard,
    SubscriptionDetails,
    UpgradeSubscription,
)
from streams.records import RawRecord
from tests.builders import a_payment_created, a_record, an_envelope
from tests.resource_builders import (
    GIVEN,
    a_resource_command,
    a_resource_late_outcome,
    a_resource_pending,
    a_resource_refused,
    a_resource_result_divergence,
    a_resource_unknown,
    an_accepted,
)


def an_entry(body: Any) -> Entry:
    record = a_record("t", body)
    return Entry(RawRecord("t", 0, 3, 0, record.key, record.value, record.headers), an_envelope(body), body)


def row(body: BaseModel) -> ResourceRow:
    (found,) = fold(an_entry(body))
    return found


ALL: list[Any] = [
    *(an_accepted(kind) for kind in GIVEN),
    a_resource_refused(),
    a_resource_pending(),
    a_resource_unknown(),
    a_resource_late_outcome(),
    a_resource_result_divergence(),
]


def test_every_event_of_resources_is_read_by_every_table() -> None:
    assert {type(body) for body in ALL} == set(RESOURCE_EVENTS)
    for body in ALL:
        fold(an_entry(body))
        jobs(an_entry(body))
        assert payments(an_entry(body)) == ()
        assert audited(an_entry(body), b"").command_id == body.command_id


@pytest.mark.parametrize("kind", GIVEN)
def test_what_stands_at_a_provider_is_a_row_and_a_mere_answer_is_none(kind: type[ResourceOrder]) -> None:
    rows = fold(an_entry(an_accepted(kind)))
    assert [found.kind for found in rows] == ([] if ACCEPTED[kind].kind == "question" else [ACCEPTED[kind].kind])


@pytest.mark.parametrize("kind", [kind for kind in GIVEN if not kind.moves])
def test_a_question_without_an_answer_is_no_row(kind: type[ResourceOrder]) -> None:
    for body in (a_resource_refused(kind), a_resource_pending(kind), a_resource_unknown(kind)):
        assert fold(an_entry(body)) == ()


def test_an_open_outcome_is_the_row_s_stage() -> None:
    assert row(a_resource_unknown(CancelSubscription)).stage == "unsettled"
    assert row(a_resource_pending(CreateSubscription)).stage == "pending"
    assert row(a_resource_refused(StoreCard)).stage == "new"


def test_rows_of_one_resource_are_written_one_after_the_other_in_the_order_of_the_log() -> None:
    one, other = new_id(), new_id()
    first, second, third = (
        row(an_accepted(CreateSubscription, resource_id=one)),
        row(a_resource_unknown(UpgradeSubscription, resource_id=one)),
        row(a_resource_pending(ChangeSubscriptionCard, resource_id=one)),
    )
    beside = row(an_accepted(StoreCard, resource_id=other))
    assert waves([first, second, beside, third]) == [[first, beside], [second], [third]]
    assert waves([]) == []


def test_the_page_that_a_buyer_is_sent_to_is_not_kept() -> None:
    action = Redirect(url="https://pay.example/subscribe")
    details = SubscriptionDetails(state="pending", next_action=action)
    told = row(an_accepted(CreateSubscription, details=details)).details
    assert told is not None
    assert json.loads(told) == {"state": "pending", "charges": []}


def test_a_command_and_its_result_are_a_job() -> None:
    command = a_resource_command(GetBalance, integration_id="iyzico-main")
    (published,) = jobs(an_entry(command))
    assert isinstance(published, Published)
    assert (published.command_key, published.command_integration_id) == (command.key, "iyzico-main")
    (ended,) = jobs(an_entry(a_resource_unknown(StoreCard)))
    assert isinstance(ended, Ended)
    assert (ended.verdict, ended.reason, ended.error_message) == ("unknown", "outcome_unknown", "Nobody knows.")


def test_payments_are_no_resources() -> None:
    assert fold(an_entry(a_payment_created())) == ()
    assert row(an_accepted(QuerySubscription, command_id=new_id())).stage == "active"
