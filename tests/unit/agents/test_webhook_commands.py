"""From a provider's call to the command that it becomes, and how calls wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.webhooks.agent import READER
from agents.webhooks.finding import Subject
from agents.webhooks.notices import SOURCE, notice_id, notice_of
from schemas.envelope import Envelope
from schemas.errors import UnreadableRecord
from schemas.ids import created_at, new_id
from schemas.payments import Payment, TakeNotice
from schemas.payments.resources import TakeResourceNotice
from schemas.payments.transitions import concerns_another
from schemas.webhooks import Verified, WebhookReceived
from streams.codec import digest
from streams.records import RawRecord
from streams.topics import Topics
from streams.waiting import as_it_was, waiting, waits_for
from tests.builders import NOON, a_payment_created, a_webhook_received

SUBJECT = Subject(new_id(), int(NOON.timestamp() * 1000))


def command(call: WebhookReceived, subject: Subject = SUBJECT) -> tuple[object, bytes]:
    """The id that it goes under, and what the ledger compares."""
    notice = notice_of(call, subject)
    one = notice_id(call, subject, notice)
    return one, digest(Envelope(id=one, type=notice.type, source=SOURCE), notice.key, notice)


def test_a_repeat_of_a_call_is_the_same_command_word_for_word() -> None:
    first = a_webhook_received()
    for verified in (
        Verified(arrived_at=NOON + timedelta(days=2), secret_index=1),
        Verified(arrived_at=NOON, secret_index=0, signed_at=NOON, signed_id="msg-2"),
    ):
        assert command(a_webhook_received(verified=verified, size_bytes=7, body_digest="ef" * 32)) == command(first)


@pytest.mark.parametrize(
    "changed",
    [{"said": "failed"}, {"said": None}, {"event_type": "OTHER"}, {"event_id": "event-2"}, {"provider_reference": "9"}],
)
def test_another_word_is_another_command(changed: dict[str, str | None]) -> None:
    assert command(a_webhook_received(**changed))[0] != command(a_webhook_received())[0]


def test_a_call_about_a_resource_becomes_a_notice_of_it_the_same_for_each_repeat() -> None:
    about = {"about": "resource", "said": None, "order_reference": "order-1", "our_reference": None}
    call = a_webhook_received(**about)
    notice = notice_of(call, SUBJECT)
    assert isinstance(notice, TakeResourceNotice)
    assert (notice.resource_id, notice.provider_reference) == (SUBJECT.id, "22416032")
    assert (notice.order_reference, notice.event_id, notice.integration_id) == ("order-1", "event-1", "iyzico-main")
    assert command(a_webhook_received(**about, size_bytes=9)) == command(call)
    assert command(a_webhook_received(**(about | {"order_reference": "order-2"})))[0] != command(call)[0]


def test_a_call_about_a_dispute_becomes_a_notice_that_names_it() -> None:
    call = a_webhook_received(said=None, dispute_reference="du_1")
    notice = notice_of(call, SUBJECT)
    assert isinstance(notice, TakeNotice)
    assert (notice.payment_id, notice.dispute_reference, notice.said) == (SUBJECT.id, "du_1", None)
    other = a_webhook_received(said=None, dispute_reference="du_2")
    assert command(call) != command(other)


def test_a_command_s_moment_is_that_of_its_attempt_or_the_day_of_the_call() -> None:
    call = a_webhook_received()
    found = Subject(SUBJECT.id, None)
    assert created_at(notice_id(call, SUBJECT, notice_of(call, SUBJECT))) == NOON
    midnight = NOON.replace(hour=0)
    assert created_at(notice_id(call, found, notice_of(call, found))) == midnight
    later = a_webhook_received(verified=Verified(arrived_at=NOON + timedelta(hours=11), secret_index=0))
    assert command(later, found) == command(call, found)


@pytest.mark.parametrize(("days", "dated_back"), [(1, True), (3, True), (5, False), (40, False)])
def test_a_call_that_comes_long_after_its_attempt_is_as_old_as_its_day_and_outlives_what_is_pruned(
    days: int, dated_back: bool
) -> None:
    arrived_at = NOON + timedelta(days=days)
    call = a_webhook_received(
        said=None, dispute_reference="du_1", verified=Verified(arrived_at=arrived_at, secret_index=0)
    )
    made_at = created_at(notice_id(call, SUBJECT, notice_of(call, SUBJECT)))
    assert made_at == (NOON if dated_back else arrived_at.replace(hour=0))


def test_a_provider_s_number_that_looks_like_a_card_s_is_in_no_command() -> None:
    call = a_webhook_received(provider_reference="5526080000000006", event_id="4603450000000000")
    notice = notice_of(call, SUBJECT)
    assert isinstance(notice, TakeNotice)
    assert (notice.provider_reference, notice.event_id, notice.our_reference) == (None, None, call.our_reference)
    assert command(call)[0] != command(a_webhook_received(provider_reference="5526080000000006", event_id="x"))[0]


def test_a_call_about_a_movement_asks_about_the_payment_and_names_no_further_attempt() -> None:
    movement = notice_of(a_webhook_received(said=None, provider_reference=None), SUBJECT)
    payment = notice_of(a_webhook_received(said="captured", provider_reference=None), SUBJECT)
    assert isinstance(movement, TakeNotice)
    assert isinstance(payment, TakeNotice)
    assert (movement.our_reference, payment.our_reference) == (None, "a1b2c3d4")


@pytest.mark.parametrize("told", [{"provider_reference": None}, {}, {"said": None}])
def test_a_call_found_by_a_refund_s_reference_is_about_the_payment_and_no_further_attempt(
    told: dict[str, None],
) -> None:
    call = a_webhook_received(**told)
    of_refund = notice_of(call, replace(SUBJECT, moves=True))
    of_creation = notice_of(call, SUBJECT)
    assert isinstance(of_refund, TakeNotice)
    assert isinstance(of_creation, TakeNotice)
    assert (of_refund.our_reference, of_creation.our_reference) == (None, "a1b2c3d4")
    payment = Payment(payment_id=SUBJECT.id).after(a_payment_created(payment_id=SUBJECT.id))
    payment = payment.model_copy(update={"create_reference": "its-creation"})
    another = {
        notice.our_reference: concerns_another(
            payment, integration_id=notice.integration_id, our_reference=notice.our_reference, provider_reference=None
        )
        for notice in (of_refund, of_creation)
    }
    assert another == {None: False, "a1b2c3d4": True}


def test_a_record_that_waits_is_the_same_when_its_time_has_come() -> None:
    record = RawRecord("kolaj.webhooks.events", 3, 17, 1_795_000_000_000, b"k", b'{"a":1}', (("ce_id", b"x"),))
    (_, topic), *_ = Topics().retries
    kept = waiting(topic, record, READER)
    lying = RawRecord(kept.topic, 0, 0, 5, kept.key, kept.value, kept.headers)
    again = waiting(topic, as_it_was(lying), READER)
    assert (as_it_was(lying), waits_for(lying), waits_for(record)) == (record, READER, None)
    assert again == kept


@pytest.mark.parametrize("place", [b"", b"topic/1/2", b"topic/1/2/x", b"topic/1/2/-3"])
def test_a_stranger_s_record_on_a_retry_topic_is_told(place: bytes) -> None:
    record = RawRecord("kolaj.retries.10s", 0, 0, 0, b"k", b"{}", (("kolaj-waiting-from", place),))
    with pytest.raises(UnreadableRecord):
        as_it_was(record)


def test_the_longest_delay_that_fits_is_taken() -> None:
    topics = Topics()
    assert [topics.retry_after(wait_s)[0] for wait_s in (0, 9, 10, 61, 3600, 90_000)] == [10, 10, 10, 60, 3600, 3600]
