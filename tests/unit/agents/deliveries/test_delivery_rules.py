"""What is decided after an attempt, what an event becomes on its way out, and how it is signed."""

import json
import time
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from agents.deliveries.decide import Attempt, Delivered, Disable, Later, Patience, decide
from agents.deliveries.message import Message, Wanted, matches, message_for
from agents.deliveries.signing import new_secret, signed_headers
from streams.codec import Outgoing
from streams.records import RawRecord
from tests.builders import a_payment_created, a_record

ENDPOINT = UUID(int=7)
PATIENCE = Patience((10, 60, 600), disable_after_s=1_000, disable_after_failures=5)
ALL = Wanted(("payments.*",))


def as_read(record: Outgoing, offset: int = 3) -> RawRecord:
    return RawRecord(record.topic, 0, offset, 1_700_000_000_000, record.key, record.value, record.headers)


def an_event() -> RawRecord:
    return as_read(a_record("kolaj.payments.events", a_payment_created()))


def message(record: RawRecord, endpoint: UUID = ENDPOINT, wanted: Wanted = ALL) -> Message:
    made = message_for(endpoint, wanted, record)
    assert made is not None
    return made


@pytest.mark.parametrize(("failures", "wait_s"), [(0, 10), (1, 60), (2, 600), (3, 600)])
def test_each_failure_waits_a_tier_longer(failures: int, wait_s: float) -> None:
    assert decide(Attempt("timeout", 1), failures, 1.0, PATIENCE) == Later(wait_s)


@pytest.mark.parametrize(
    ("asked_s", "wait_s"), [(0.0, 10.0), (120.0, 120.0), (1e9, 24 * 3600.0)], ids=["at once", "later", "in years"]
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_within_bounds(status: int, asked_s: float, wait_s: float) -> None:
    assert decide(Attempt(f"http_{status}", 1, status, asked_s), 3, 1.0, PATIENCE) == Later(wait_s)


def test_retry_after_with_another_status_says_nothing() -> None:
    assert decide(Attempt("http_500", 1, 500, 5_000.0), 0, 0.0, PATIENCE) == Later(10)


def test_an_endpoint_that_is_gone_is_disabled_at_once() -> None:
    decided = decide(Attempt("http_410", 1, 410), 0, 0.0, PATIENCE)
    assert isinstance(decided, Disable)
    assert decided.gone


@pytest.mark.parametrize(("failures", "failing_s"), [(4, 1.0), (2, 1_000.0)])
def test_an_endpoint_that_fails_too_often_or_too_long_is_disabled(failures: int, failing_s: float) -> None:
    assert isinstance(decide(Attempt("timeout", 1), failures, failing_s, PATIENCE), Disable)


def test_one_delivery_is_enough_however_long_it_failed() -> None:
    assert decide(Attempt("delivered", 1, 200), 4, 1e6, PATIENCE) == Delivered()


@pytest.mark.parametrize(
    ("pattern", "event_type", "meant"),
    [
        ("payments.created.v1", "payments.created.v1", True),
        ("payments.created.v1", "payments.created.v10", False),
        ("payments.*", "payments.refunded.v1", True),
        ("payments.*", "payments_other.v1", False),
        ("payments.*", "payments", False),
    ],
)
def test_a_name_or_a_beginning_says_which_types_are_meant(pattern: str, event_type: str, *, meant: bool) -> None:
    assert matches(pattern, event_type) == meant


def test_a_message_holds_the_facts_letter_for_letter_and_who_said_them() -> None:
    record = an_event()
    told = json.loads(message(record).body)
    assert (record.value or b"") in message(record).body
    assert told["data"] == json.loads(record.value or b"")
    assert (told["type"], told["timestamp"]) == ("payments.created.v1", "2026-11-25T12:00:00.000000Z")
    assert told["id"] == record.text("ce_id")
    assert told["key"].encode() == record.key


def test_a_message_has_one_id_for_each_event_and_endpoint() -> None:
    record = an_event()
    again = RawRecord(record.topic, 1, 99, 0, record.key, record.value, (*record.headers, ("kolaj-republished", b"1")))
    assert message(record).id == message(again).id
    assert len({message(record).id, message(record, UUID(int=8)).id, message(an_event()).id}) == 3


def test_only_events_about_the_named_integrations_are_wanted() -> None:
    record = an_event()
    name = json.loads(record.value or b"")["performed"]["integration_id"]
    assert message_for(ENDPOINT, Wanted(("payments.*",), {name}), record) is not None
    assert message_for(ENDPOINT, Wanted(("payments.*",), {"another"}), record) is None


@pytest.mark.parametrize("value", [None, b"", b"no json", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_event_is_passed_over(value: bytes | None) -> None:
    record = an_event()
    assert message_for(ENDPOINT, ALL, RawRecord("t", 0, 0, 0, b"k", value, record.headers)) is None
    assert message_for(ENDPOINT, ALL, RawRecord("t", 0, 0, 0, b"k", record.value, ())) is None


def test_each_live_secret_verifies_and_no_other_and_no_changed_byte() -> None:
    old, new, sent = new_secret(), new_secret(), message(an_event())
    headers = signed_headers([new, old], sent.id, int(time.time()), sent.body)
    for secret in (old, new):
        assert Webhook(secret).verify(sent.body, headers) == json.loads(sent.body)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(sent.body.replace(b"payments", b"payment5", 1), headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(sent.body, headers | {"webhook-id": sent.id + "0"})
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(sent.body, headers)
