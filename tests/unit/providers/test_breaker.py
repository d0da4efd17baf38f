from dataclasses import dataclass, field

import pytest

from providers.breaker import Breaker, BreakerState, Signal, Slot

F, S, N = Signal.FAILURE, Signal.SUCCESS, Signal.NEUTRAL


@dataclass
class Trial:
    """A breaker that opens after three failures in a row, for 30 s on a clock the test turns."""

    now: float = 1000.0
    changes: list[tuple[BreakerState, BreakerState]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = Breaker(
            "trial",
            threshold=3,
            open_s=30,
            clock=lambda: self.now,
            on_change=lambda before, state: self.changes.append((before, state)),
        )

    def enter(self) -> Slot:
        slot = self.breaker.enter()
        assert slot is not None
        return slot

    def run(self, *signals: Signal) -> BreakerState:
        for signal in signals:
            self.breaker.leave(self.enter(), signal)
        return self.breaker.state

    def half_open(self) -> Slot:
        self.run(F, F, F)
        self.now += 30
        return self.enter()


@pytest.fixture
def trial() -> Trial:
    return Trial()


def test_failures_in_a_row_open_it(trial: Trial) -> None:
    assert trial.run(F, F) == "closed"
    assert trial.run(F) == "open"
    assert trial.changes == [("closed", "open")]


def test_refusals_by_the_provider_never_open_it(trial: Trial) -> None:
    assert trial.run(*[N] * 40) == "closed"


def test_a_neutral_end_does_not_break_a_row_of_failures(trial: Trial) -> None:
    assert trial.run(F, N, F, N, F) == "open"


def test_a_success_breaks_a_row_of_failures(trial: Trial) -> None:
    assert trial.run(F, F, S, F, F) == "closed"


def test_an_open_one_refuses_and_the_refused_do_not_keep_it_open(trial: Trial) -> None:
    trial.run(F, F, F)
    for _ in range(1000):
        trial.now += 0.029
        assert trial.breaker.enter() is None
    assert trial.breaker.refused == 1000
    assert trial.breaker.wait_s == pytest.approx(1.0)
    trial.now += 1.1
    assert trial.enter().probe


def test_half_open_lets_one_probe_in(trial: Trial) -> None:
    trial.half_open()
    assert trial.breaker.state == "half_open"
    assert trial.breaker.enter() is None


def test_the_probes_success_closes_it(trial: Trial) -> None:
    trial.breaker.leave(trial.half_open(), S)
    assert trial.breaker.state == "closed"
    assert trial.changes == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]


def test_the_probes_failure_opens_it_for_another_full_time(trial: Trial) -> None:
    trial.breaker.leave(trial.half_open(), F)
    assert trial.breaker.state == "open"
    assert trial.breaker.wait_s == 30


def test_a_decline_as_probe_leaves_it_half_open_and_frees_the_slot(trial: Trial) -> None:
    trial.breaker.leave(trial.half_open(), N)
    assert trial.breaker.state == "half_open"
    assert trial.enter().probe


def test_what_was_admitted_before_it_opened_counts_no_more(trial: Trial) -> None:
    early, late = trial.enter(), trial.enter()
    probe = trial.half_open()
    trial.breaker.leave(early, S)
    trial.breaker.leave(late, F)
    assert trial.breaker.state == "half_open"
    assert trial.breaker.enter() is None
    trial.breaker.leave(probe, S)
    assert trial.changes[-1] == ("half_open", "closed")


def test_a_probe_of_an_earlier_time_does_not_free_the_present_slot(trial: Trial) -> None:
    first = trial.half_open()
    trial.breaker.leave(first, F)
    trial.now += 30
    trial.enter()
    trial.breaker.leave(first, N)
    assert trial.breaker.enter() is None
