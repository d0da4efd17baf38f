import pytest

from providers.connector import Answer, LimitReading
from providers.limit_headers import standard_limits, x_limits, x_limits_until


def an_answer(**headers: str) -> Answer:
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, b"", None)


@pytest.mark.parametrize(
    ("answer", "reading"),
    [
        (an_answer(), None),
        (an_answer(ratelimit_limit="100", ratelimit_remaining="4", ratelimit_reset="30"), LimitReading(100, 4, 30.0)),
        (an_answer(ratelimit_limit="100, 100;w=60", ratelimit_remaining="0"), LimitReading(100, 0, None)),
        (an_answer(ratelimit='"default";r=50;t=30'), LimitReading(None, 50, 30.0)),
        (an_answer(ratelimit='"hour";r=900;t=3000, "burst";r=2;t=5'), LimitReading(None, 2, 5.0)),
        (an_answer(ratelimit='"hour";pk=:a;b,c:;r=9;t=30'), None),
        (an_answer(ratelimit="default;q=10;r=3"), LimitReading(10, 3, None)),
        (an_answer(ratelimit="nonsense"), None),
        (an_answer(ratelimit_limit="many", ratelimit_remaining="-1"), None),
        (an_answer(ratelimit_limit="١٢", ratelimit_remaining="9" * 40), None),
    ],
    ids=str,
)
def test_the_standard_fields(answer: Answer, reading: LimitReading | None) -> None:
    assert standard_limits(answer) == reading


def test_the_customary_fields_with_seconds() -> None:
    answer = an_answer(x_ratelimit_limit="1000", x_ratelimit_remaining="999", x_ratelimit_reset="1")
    assert x_limits(answer) == LimitReading(1000, 999, 1.0)


@pytest.mark.parametrize(
    ("date", "reset_s"),
    [("Wed, 25 Nov 2026 12:00:00 GMT", 45.0), ("Wed, 25 Nov 2026 12:30:00 GMT", 0.0), ("", None), ("soon", None)],
)
def test_a_moment_is_measured_from_the_answers_own_date(date: str, reset_s: float | None) -> None:
    """The clocks of both sides need not agree."""
    answer = an_answer(x_ratelimit_limit="10", x_ratelimit_remaining="0", x_ratelimit_reset="1795608045", date=date)
    assert x_limits_until(answer) == LimitReading(10, 0, reset_s)
