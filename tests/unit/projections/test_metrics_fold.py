import re
from datetime import datetime, timedelta
from importlib.resources import files
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.metrics.fold import MetricRow, fold, merge, merged
from projections.metrics.histogram import BOUNDS_US, BUCKETS, bucket_of
from schemas.provider_calls import ProviderCalled
from tests import builders as a
from tests.unit.projections.reading import entry_of

calls = st.builds(
    lambda us, seconds, outcome: a.a_provider_called(
        duration_us=us, started_at=a.NOON + timedelta(seconds=seconds), outcome=outcome
    ),
    st.integers(0, 200_000_000),
    st.integers(0, 180),
    st.sampled_from(["accepted", "refused", "unknown"]),
)


def _rows(called: list[ProviderCalled]) -> list[MetricRow]:
    return [row for call in called for row in fold(entry_of(call))]


def test_a_call_counts_in_its_minute_under_its_outcome() -> None:
    (row,) = fold(entry_of(a.a_provider_called(started_at=a.NOON + timedelta(seconds=59.9), duration_us=1_500)))
    assert row.key == ("iyzico-main", "iyzico", "create", a.NOON, "accepted")
    assert (row.calls, row.duration_us_sum, row.duration_us_max, sum(row.buckets)) == (1, 1_500, 1_500, 1)


def test_other_events_are_no_calls() -> None:
    assert fold(entry_of(a.a_health_checked())) == ()


@given(st.lists(calls, min_size=1, max_size=20), st.randoms())
def test_counts_do_not_depend_on_order_or_on_how_batches_are_cut(called: list[ProviderCalled], random: object) -> None:
    rows = _rows(called)
    at_once = merged(rows)
    random.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis types it as object
    middle = len(rows) // 2
    assert merged([*merged(rows[:middle]), *merged(rows[middle:])]) == at_once
    assert sum(row.calls for row in at_once) == len(called)
    assert sum(row.duration_us_sum for row in at_once) == sum(call.duration_us for call in called)


@given(calls, calls)
def test_merging_is_commutative(one: ProviderCalled, other: ProviderCalled) -> None:
    first, second = (
        _rows([one])[0],
        _rows([other])[0]._replace(
            integration_id="iyzico-main", minute=_rows([one])[0].minute, outcome=_rows([one])[0].outcome
        ),
    )
    assert merge(first, second) == merge(second, first)


@given(st.integers(0, 10**12))
def test_a_duration_lies_within_its_bucket(duration_us: int) -> None:
    bucket = bucket_of(duration_us)
    assert 0 <= bucket < BUCKETS
    if bucket < len(BOUNDS_US):
        assert duration_us <= BOUNDS_US[bucket]
    if bucket > 0:
        assert duration_us > BOUNDS_US[bucket - 1]


def test_bounds_are_a_fifth_apart_at_most() -> None:
    assert (BOUNDS_US[0], BOUNDS_US[4], BOUNDS_US[-1]) == (1_000, 2_000, 131_072_000)
    assert all(upper / lower < 1.1908 for lower, upper in pairwise(BOUNDS_US))


def test_sql_has_the_same_bounds() -> None:
    sql = files("projections").joinpath("sql", "migrations", "0001_tables.sql").read_text(encoding="utf-8")
    found = {int(bucket): int(bound) for bucket, bound in re.findall(r"\(([0-9]+), ([0-9]+)\)", sql)}
    assert found == dict(enumerate(BOUNDS_US, start=1))
    assert f"cardinality(buckets) = {BUCKETS}" in sql


def test_minutes_are_whole() -> None:
    (row,) = _rows([a.a_provider_called(started_at=datetime.fromisoformat("2026-11-25T23:59:59.999999+00:00"))])
    assert row.minute.isoformat() == "2026-11-25T23:59:00+00:00"
