"""The plan of faults: the same seed is the same bad day, and nothing that can go wrong is left out."""

from itertools import pairwise

import pytest

from infra.chaos import Disturbance, counted, plan
from infra.chaos.plan import PROVIDER_FAULTS, WORKERS
from infra.chaos.stage import SHORT

SEEDS = range(30)


def test_a_seed_is_one_plan_and_another_seed_another_one() -> None:
    assert plan(7, 100, 3) == plan(7, 100, 3)
    assert len({plan(seed, 100, 3) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seconds", [40, 100])
def test_every_kind_of_fault_comes_in_every_plan(seconds: float) -> None:
    for seed in SEEDS:
        faults = plan(seed, seconds, 3)
        assert {fault.kind for fault in faults} == set(Disturbance)
        assert {each.kind for fault in faults for each in fault.faults} == set(PROVIDER_FAULTS)
        assert counted(faults) >= len(Disturbance) - 1 + len(PROVIDER_FAULTS)


def test_a_broker_is_killed_only_where_others_keep_what_it_kept() -> None:
    assert all(fault.kind is not Disturbance.KILL_BROKER for seed in SEEDS for fault in plan(seed, 100, 1))
    nodes = {f.target for seed in SEEDS for f in plan(seed, 100, 3) if f.kind is Disturbance.KILL_BROKER}
    assert nodes == {1, 2, 3}


def test_faults_lie_inside_the_run_and_in_the_order_of_their_moments() -> None:
    for seed in SEEDS:
        faults = plan(seed, 60, 3)
        assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
        assert all(0 <= fault.at_s <= 60 for fault in faults)


def test_a_frozen_worker_sleeps_past_its_session_and_its_lease() -> None:
    longest_s = max(float(SHORT["KOLAJ_LEASE_S"]), float(SHORT["KOLAJ_SESSION_TIMEOUT_S"]))
    frozen = [f for seed in SEEDS for f in plan(seed, 100, 3) if f.kind is Disturbance.FREEZE_WORKER]
    assert min(fault.hold_s for fault in frozen) > longest_s
    assert {fault.target for fault in frozen} == set(range(WORKERS))


def test_one_window_of_the_provider_has_ended_before_the_next_one_begins() -> None:
    for seed in SEEDS:
        windows = [fault for fault in plan(seed, 100, 3) if fault.kind is Disturbance.PROVIDER]
        for before, after in pairwise(windows):
            assert before.at_s + before.hold_s < after.at_s


def test_a_fault_can_be_read_by_people() -> None:
    lines = [str(fault) for fault in plan(3, 100, 3)]
    assert any("kill_broker 1 for" in line or "kill_broker 2 for" in line or "kill_broker 3" in line for line in lines)
    assert all(fault.kind in line for fault, line in zip(plan(3, 100, 3), lines, strict=True))
