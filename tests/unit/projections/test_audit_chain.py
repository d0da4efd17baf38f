from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from projections.audit.chain import GENESIS, link, record_digest
from projections.audit.fold import fold
from projections.entry import Reader
from streams.records import RawRecord
from streams.topics import Topics
from tests import builders as a

RECORD = RawRecord("t", 1, 2, 0, b"key", b"value", (("name", b"content"), ("other", None)))

parts = st.one_of(st.none(), st.binary(max_size=8))
records = st.builds(
    RawRecord,
    topic=st.text("ab", max_size=3),
    partition=st.integers(0, 3),
    offset=st.integers(0, 3),
    timestamp_ms=st.just(0),
    key=parts,
    value=parts,
    headers=st.lists(st.tuples(st.text("ab", max_size=3), parts), max_size=3).map(tuple),
)


@given(records, records)
def test_different_records_have_different_digests(one: RawRecord, other: RawRecord) -> None:
    assert (record_digest(one) == record_digest(other)) == (one == other)


def test_a_part_that_moves_into_its_neighbour_changes_the_digest() -> None:
    shifted = replace(RECORD, key=b"keyv", value=b"alue")
    nothing = replace(RECORD, value=None)
    empty = replace(RECORD, value=b"")
    assert len({record_digest(record) for record in (RECORD, shifted, nothing, empty)}) == 4


def test_a_link_depends_on_the_one_before() -> None:
    digest = record_digest(RECORD)
    assert link(GENESIS, digest) != link(link(GENESIS, digest), digest)


def test_the_scheme_is_the_documented_one() -> None:
    """Pinned: a change here would make every chain that was ever written false."""
    assert record_digest(RECORD).hex() == "648da6c7c46e02d379b68ffe34b70c6ea1d739a753ebbc5918fb19c57428394b"
    assert (
        link(GENESIS, record_digest(RECORD)).hex() == "6af9bab00f04d8c3e125cc9150a80338ec34291ab2cccddaa73dc8b27a4ed5c4"
    )


def test_every_record_has_a_row_even_garbage() -> None:
    topics = Topics()
    read = Reader(topics).read
    garbage = [
        RawRecord(topics.payment_events.name, 0, 0, -(2**62), None, None, ()),
        RawRecord(topics.payment_events.name, 0, 1, 2**62, b"\xff", b"\xff", (("ce_id", b"\xff"),)),
        RawRecord(topics.dead_letters.name, 0, 0, 0, b"k", b"?", (("kolaj-dead-reason", b"x"),)),
        RawRecord("not ours", 0, 0, 0, b"k", b"?", ()),
    ]
    rows = [fold(read(raw), GENESIS) for raw in garbage]
    assert [row.action for row in rows] == ["unreadable"] * 4
    assert all(row.error_message for row in rows)


def test_a_row_tells_the_call() -> None:
    topics = Topics()
    record = a.a_record(topics.provider_calls.name, a.a_provider_called(error="reset", duration_us=1_999))
    raw = RawRecord(record.topic, 0, 0, 0, record.key, record.value, record.headers)
    row = fold(Reader(topics).read(raw), GENESIS)
    assert (row.action, row.integration_id, row.status_code, row.duration_ms, row.error_message) == (
        "provider.called.v1",
        "iyzico-main",
        200,
        1,
        "reset",
    )
    assert row.occurred_at == a.NOON
