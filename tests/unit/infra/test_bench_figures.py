import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.bench.appended import Appended, steady_rate
from infra.bench.latency import latency_of
from infra.bench.picture import charts, draw
from infra.bench.profiler import OTHER, Profiler, part_of
from infra.bench.rounds import NotPerformed, require_all_taken


def test_a_rate_leaves_out_the_slow_beginning_and_end() -> None:
    slow = [0, 1000, 2000, 3000, 4000]
    steady = [4000 + 10 * number for number in range(1, 41)]
    ending = [5000, 6000, 7000, 8000, 9000]
    assert steady_rate([*slow, *steady, *ending]) == pytest.approx(100, rel=0.05)


def test_a_rate_does_not_depend_on_the_order_in_which_partitions_were_read() -> None:
    moments = [10 * number for number in range(100)]
    assert steady_rate(moments[50:] + moments[:50]) == steady_rate(moments)


@pytest.mark.parametrize("moments", [[], [1], [5] * 50])
def test_what_is_too_little_for_a_rate_is_said(moments: list[int]) -> None:
    with pytest.raises(ValueError, match="too few"):
        steady_rate(moments)


def test_percentiles_are_values_that_were_met() -> None:
    found = latency_of([float(number) for number in range(1, 1001)], 50)
    assert (found.p50_ms, found.p99_ms, found.p999_ms, found.count) == (500, 990, 999, 1000)


def test_a_clock_of_whole_milliseconds_does_not_make_time_negative() -> None:
    assert latency_of([-0.4, 0.1, 0.2], 1).p50_ms == 0.1
    assert latency_of([-0.4], 1).p50_ms == 0


def test_a_hub_that_refuses_is_not_measured() -> None:
    taken = [Appended(b"1", b"payments.created.v1", 1, b"{}")]
    require_all_taken(taken, 1)
    with pytest.raises(NotPerformed, match=r"0 of 1 payments were taken; there are payments\.refused\.v1"):
        require_all_taken([Appended(b"1", b"payments.refused.v1", 1, b"{}")], 1)


def test_a_result_that_was_published_twice_counts_once() -> None:
    with pytest.raises(NotPerformed, match="1 of 2"):
        require_all_taken([Appended(b"1", b"payments.created.v1", at, b"{}") for at in (1, 2)], 2)


def test_the_standard_library_is_charged_to_its_caller() -> None:
    assert part_of(["json.decoder", "json", "streams.codec", "agents.payments.agent"]) == "streams"
    assert part_of(["multidict._abc", "aiohttp.client", "providers.transport"]) == "httpx+aiohttp"
    assert part_of(["asyncio.runners", "infra.cli.output"]) == "asyncio"
    assert part_of(["threading"]) == OTHER


def test_a_profile_names_what_ran(tmp_path: Path, spin: Callable[[], None]) -> None:
    profiler = Profiler()
    profiler.start()
    spin()
    profiler.stop()
    profiler.write(tmp_path / "profile.json")
    assert sum(profiler.samples.values()) >= 3
    assert "spin" in (tmp_path / "profile.json").read_text(encoding="utf-8")


@pytest.fixture
def spin() -> Callable[[], None]:
    def spin_until_seen() -> None:
        import time  # noqa: PLC0415 - only here

        until = time.process_time() + 0.2
        while time.process_time() < until:
            sum(range(1000))

    return spin_until_seen


def test_the_picture_shows_each_figure_and_leaves_out_what_did_not_run(tmp_path: Path) -> None:
    line = {
        "bare_per_s": 2000,
        "hub_per_s": 1100,
        "hub_over_bare": 0.55,
        "added_p50_ms": 4.5,
        "processor_us_per_command": {"providers": 200.5, "streams": 80.0},
    }
    draw(line, tmp_path / "build" / "bench.svg")
    drawn = ET.parse(tmp_path / "build" / "bench.svg")  # noqa: S314 - written by us, one line above
    texts = [node.text for node in drawn.iter() if node.text]
    assert {"1,100 /s", "4.5 ms", "200 µs"} <= set(texts)
    assert not any("Replay" in text for text in texts)
    assert [chart.title for chart in charts({})] == []


def test_a_goal_stands_on_the_scale_of_its_bars() -> None:
    (chart,) = charts({"hub_over_bare": 0.25})
    assert (chart.goal, chart.bars) == (0.5, [("hub over bare", 0.25)])
