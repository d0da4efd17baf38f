from datetime import timedelta

from projections.rate_limits.fold import RateLimitRow, fold, latest
from tests import builders as a
from tests.unit.projections.reading import entry_of


def _row(**changed: object) -> RateLimitRow:
    (row,) = fold(entry_of(a.a_rate_limit_reported(**changed)))
    return row


def test_a_report_is_one_row() -> None:
    row = _row(resets_at=a.NOON + timedelta(seconds=40), throttled=3, turned_away=1)
    assert (row.limit_calls, row.window_ms, row.allowed, row.used) == (50, 60_000, 25, 10)
    assert (row.throttled, row.turned_away, row.resets_at) == (3, 1, a.NOON + timedelta(seconds=40))


def test_what_is_no_report_is_no_row() -> None:
    assert fold(entry_of(a.a_health_checked())) == ()


def test_the_latest_report_of_each_process_and_operation_counts_in_any_order() -> None:
    early = _row(used=1)
    late = _row(used=9, reported_at=a.NOON + timedelta(seconds=5))
    other = _row(process="worker-2", used=4)
    refund = _row(operation="refund", used=7)
    for rows in ([early, late, other, refund], [refund, other, late, early, late]):
        assert [(row.operation, row.process, row.used) for row in latest(rows)] == [
            ("create", "worker-1", 9),
            ("create", "worker-2", 4),
            ("refund", "worker-1", 7),
        ]
