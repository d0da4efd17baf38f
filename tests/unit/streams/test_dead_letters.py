import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.card_numbers import holds_card_number
from schemas.errors import UnreadableRecord
from schemas.ids import created_at, new_id
from streams.codec import Outgoing
from streams.dead_letters import DeadLetter, NotRequeuable, dead_letter, read_dead_letter, requeue, retry_id
from streams.records import RawRecord

CARD = "5528790000000008"
TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
ERROR = UnreadableRecord("invalid_field", "price.minor", "Input should be a valid integer")


def a_record(**changed: Any) -> RawRecord:
    facts: dict[str, Any] = {
        "topic": "t.payments.commands",
        "partition": 3,
        "offset": 41,
        "timestamp_ms": 1_795_600_000_123,
        "key": b"payment-7",
        "value": b'{"price": {"minor": "5"}}',
        "headers": (("ce_id", b"0199"), TRACE, ("tenant", b"shop-4")),
    }
    return RawRecord(**{**facts, **changed})


def lying(outgoing: Outgoing, offset: int = 0) -> RawRecord:
    return RawRecord(outgoing.topic, 0, offset, 1, outgoing.key, outgoing.value, tuple(outgoing.headers))


def test_the_original_is_kept_byte_for_byte_with_its_headers() -> None:
    record = a_record(value=b"\xff\x00 not json", headers=(TRACE, ("bin", b"\xfe\xff")))
    dead = dead_letter("t.dead-letters", record, ERROR)
    assert (dead.key, dead.value, dead.headers[:2]) == (record.key, record.value, record.headers)


def test_the_headers_tell_what_was_wrong_and_where_it_lay() -> None:
    dead = read_dead_letter(lying(dead_letter("t.dead-letters", a_record(), ERROR)))
    assert (dead.reason, dead.field, dead.detail) == (ERROR.reason, ERROR.field, ERROR.detail)
    assert (dead.topic, dead.partition, dead.offset) == ("t.payments.commands", 3, 41)
    assert (dead.timestamp_ms, dead.attempts, dead.masked, dead.cut_from) == (1_795_600_000_123, 1, False, None)


def test_a_tombstone_stays_a_null_value_through_both_ways() -> None:
    dead = dead_letter("t.dead-letters", a_record(value=None), ERROR)
    assert dead.value is None
    assert requeue(read_dead_letter(lying(dead)), request_id=new_id()).value is None


def test_an_empty_value_does_not_become_null() -> None:
    assert dead_letter("t.dead-letters", a_record(value=b""), ERROR).value == b""


def test_a_null_key_stays_null() -> None:
    assert dead_letter("t.dead-letters", a_record(key=None), ERROR).key is None


def test_headers_that_pretend_to_be_ours_are_not_believed() -> None:
    record = a_record(headers=(("Kolaj-Dead-Masked", b"true"), ("kolaj-dead-topic", b"other")))
    dead = read_dead_letter(lying(dead_letter("t.dead-letters", record, ERROR)))
    assert (dead.topic, dead.masked, dead.headers) == (record.topic, False, ())


@pytest.mark.parametrize(
    "value",
    [
        f'{{"note": "{CARD}"}}'.encode(),
        f"not json {CARD}".encode(),
        f'{{"note": {CARD}}}'.encode(),
        b'{"note": "' + "".join(f"\\u00{ord(digit):x}" for digit in CARD).encode() + b'"}',
        json.dumps({"note": CARD}).encode("utf-16"),
        f'{{"{CARD}": 1}}'.encode(),
        f"5528 7900 0000 0008 \xff{CARD}".encode("latin-1"),
    ],
)
def test_a_card_number_is_masked_however_it_is_written(value: bytes) -> None:
    dead = dead_letter("t.dead-letters", a_record(value=value), UnreadableRecord("not_json", "", "no"))
    assert dead.value is not None
    try:
        tree = json.dumps(json.loads(dead.value))
    except ValueError:
        tree = ""
    assert not holds_card_number(dead.value.decode("latin-1"))
    assert not holds_card_number(tree)
    assert read_dead_letter(lying(dead)).masked


def test_only_the_digits_of_a_masked_value_change() -> None:
    before = b'\xc4\xb0 "4111111111111111", "x": 1.50}'
    dead = dead_letter("t.dead-letters", a_record(value=before), ERROR)
    assert dead.value == b'\xc4\xb0 "************1111", "x": 1.50}'


@pytest.mark.parametrize(
    "changed",
    [
        {"key": CARD.encode()},
        {"headers": (("note", CARD.encode()),)},
        {"headers": ((CARD, b"note"),)},
    ],
)
def test_a_card_number_in_key_or_headers_is_masked(changed: dict[str, Any]) -> None:
    dead = dead_letter("t.dead-letters", a_record(**changed), ERROR)
    assert CARD not in repr(dead)
    assert read_dead_letter(lying(dead)).masked


def test_a_card_number_in_a_fields_name_does_not_reach_the_headers() -> None:
    error = UnreadableRecord("not_json", CARD, f"{CARD} stands twice")
    assert CARD not in repr(dead_letter("t.dead-letters", a_record(), error))


def test_a_field_name_that_is_no_text_can_be_told() -> None:
    error = UnreadableRecord("invalid_field", "\ud800" + "x" * 100_000, "no")
    dead = read_dead_letter(lying(dead_letter("t.dead-letters", a_record(), error)))
    assert dead.field.startswith("\\ud800x")
    assert len(dead.field) < 1_000


@pytest.mark.parametrize(
    "record",
    [
        a_record(value=b"v" * (2 * 1024 * 1024)),
        a_record(headers=tuple((f"h{n}", b"x" * 300_000) for n in range(8))),
        a_record(key=b"k" * (3 * 1024 * 1024)),
    ],
)
def test_what_does_not_fit_is_cut_and_said(record: RawRecord) -> None:
    dead = dead_letter("t.dead-letters", record, ERROR)
    size = len(dead.key or b"") + len(dead.value or b"") + sum(len(name) + len(text) for name, text in dead.headers)
    assert size < 2 * 1024 * 1024 - 1024
    told = read_dead_letter(lying(dead))
    assert told.cut_from is not None
    with pytest.raises(NotRequeuable, match="was cut from"):
        requeue(told, request_id=new_id())


def test_a_masked_one_cannot_be_requeued() -> None:
    dead = read_dead_letter(lying(dead_letter("d", a_record(value=CARD.encode()), ERROR), offset=9))
    with pytest.raises(NotRequeuable, match="dead letter 0/9 held a card number"):
        requeue(dead, request_id=new_id())


def test_a_requeued_record_is_the_original_with_a_count() -> None:
    record = a_record()
    request = UUID("0199aaaa-0000-7000-8000-000000000001")
    back = requeue(read_dead_letter(lying(dead_letter("d", record, ERROR))), request_id=request)
    assert (back.topic, back.key, back.value) == (record.topic, record.key, record.value)
    assert back.headers == (
        *record.headers,
        ("kolaj-requeued", b"1"),
        ("kolaj-requeue-id", str(request).encode()),
        ("kolaj-requeued-from", b"0/0"),
    )


def test_after_three_failures_the_count_reads_three_and_all_headers_are_there() -> None:
    record = first = a_record()
    for offset in range(2):
        dead = read_dead_letter(lying(dead_letter("d", record, ERROR), offset))
        back = requeue(dead, request_id=new_id())
        record = RawRecord(back.topic, 3, 50 + offset, 1, back.key, back.value, tuple(back.headers))
    third = read_dead_letter(lying(dead_letter("d", record, ERROR)))
    assert third.attempts == 3
    assert set(first.headers) <= set(third.headers)
    assert third.record.key == first.key


def test_two_requests_for_one_dead_letter_are_two_attempts() -> None:
    dead = read_dead_letter(lying(dead_letter("d", a_record(), ERROR)))
    assert requeue(dead, request_id=new_id()).headers != requeue(dead, request_id=new_id()).headers


def test_a_new_id_replaces_the_old_one_and_names_it() -> None:
    dead = read_dead_letter(lying(dead_letter("d", a_record(), ERROR)))
    fresh = new_id()
    headers = dict(requeue(dead, request_id=new_id(), new_id=fresh).headers)
    assert (headers["ce_id"], headers["ce_retryof"]) == (str(fresh).encode(), b"0199")


def given_up(record: RawRecord, offset: int = 0) -> DeadLetter:
    error = UnreadableRecord("gave_up", "", "could not be sent for a day")
    return read_dead_letter(lying(dead_letter("d", record, error, integration_id="iyzico-main"), offset))


def test_a_command_that_was_given_up_goes_as_a_new_one_under_the_same_new_id_each_time() -> None:
    first, copy = given_up(a_record(), 0), given_up(a_record(), 7)
    assert (first.claimed, first.integration_id) == (True, "iyzico-main")
    headers = [dict(requeue(dead, request_id=new_id()).headers) for dead in (first, copy)]
    assert headers[0]["ce_id"] == headers[1]["ce_id"] == str(retry_id(first)).encode()
    assert (headers[0]["ce_retryof"], headers[0]["tenant"]) == (b"0199", b"shop-4")
    assert retry_id(first).version == 7
    assert created_at(retry_id(first)) == datetime.fromtimestamp(0.001, tz=UTC), "the earlier of the two times"


def test_a_command_that_is_given_up_again_gets_a_further_id_and_the_count_goes_on() -> None:
    record = a_record()
    ids = [b"0199"]
    for offset in range(2):
        back = requeue(given_up(record, offset), request_id=new_id())
        headers = dict(back.headers)
        assert headers["ce_retryof"] == ids[-1]
        ids.append(headers["ce_id"])
        record = RawRecord(back.topic, 3, 50 + offset, 1, back.key, back.value, tuple(back.headers))
    third = given_up(record)
    assert (third.attempts, len(set(ids))) == (3, 3)
    assert [name for name, _ in third.headers].count("ce_retryof") == 1
    assert (TRACE in third.headers, third.record.key) == (True, a_record().key)


def test_a_record_that_is_no_dead_letter_is_named_as_such() -> None:
    with pytest.raises(UnreadableRecord) as raised:
        read_dead_letter(a_record())
    assert raised.value.field == "kolaj-dead-reason"


@given(
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=400),
    headers=st.lists(st.tuples(st.text(max_size=10).filter(lambda name: name.isascii()), st.none() | st.binary())),
)
def test_any_record_at_all_becomes_a_dead_letter(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    record = a_record(key=key, value=value, headers=tuple(headers))
    dead = read_dead_letter(lying(dead_letter("d", record, ERROR)))
    assert dead.masked or (dead.record.key, dead.record.value) == (key, value)
