import pytest

from infra.sandbox.iyzico import FaultKind, FaultOrder, FaultPlan, parse_fault
from infra.sandbox.iyzico.faults import FAULTS, Fault


def test_a_fault_is_read_from_the_command_line() -> None:
    assert parse_fault("late") == FaultOrder(FaultKind.LATE)
    assert parse_fault("500_after,path=/payment/auth,count=2,every=10,probability=0.5,seconds=1.5") == FaultOrder(
        FaultKind.ERROR_AFTER, path="/payment/auth", count=2, every=10, probability=0.5, seconds=1.5
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sometimes", "perform_late"),
        ("late,often", "path="),
        ("late,every=x", "late"),
        ("late,every=0", "every"),
        ("late,count=0", "count"),
        ("late,probability=2", "probability"),
        ("late,seconds=-1", "seconds"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_may_stand_there(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_fault(text)


def test_each_nth_call_to_the_path_gets_it_until_the_count_is_used_up() -> None:
    plan = FaultPlan([FaultOrder(FaultKind.EMPTY, path="/a", every=3, count=2)])
    assert [plan.draw("/b") for _ in range(5)] == [None] * 5
    assert [plan.draw("/a") is not None for _ in range(12)] == [False, False, True] * 2 + [False] * 6


def test_chances_repeat_under_one_seed_and_come_near_their_probability() -> None:
    def drawn(seed: int) -> list[bool]:
        plan = FaultPlan([FaultOrder(FaultKind.EMPTY, probability=0.2)], seed=seed)
        return [plan.draw("/a") is not None for _ in range(2000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 300 < sum(drawn(1)) < 500


def test_orders_are_drawn_in_the_order_they_were_given_and_can_be_cleared() -> None:
    plan = FaultPlan([FaultOrder(FaultKind.EMPTY, count=1), FaultOrder(FaultKind.NEVER, seconds=1)])
    assert (plan.draw("/a"), plan.draw("/a")) == (Fault(FaultKind.EMPTY), Fault(FaultKind.NEVER, 1))
    assert [used for _, used in plan.standing()] == [1, 1]
    plan.clear()
    assert plan.draw("/a") is None


def test_a_basket_may_name_its_fault_and_seconds() -> None:
    assert FAULTS.marked("fault-never-b1") == Fault(FaultKind.NEVER)
    assert FAULTS.marked("fault-perform_late-2.5s-b1") == Fault(FaultKind.PERFORM_LATE, 2.5)
    assert FAULTS.marked("fault-10219-b-1") == Fault(FaultKind.BANK_TIMEOUT)
    assert FAULTS.marked("faulty-basket") is FAULTS.marked(None) is None


@pytest.mark.parametrize("basket_id", ["fault-typo-b1", "fault-never", "fault-"])
def test_a_marker_that_names_no_fault_is_an_error_not_a_silence(basket_id: str) -> None:
    with pytest.raises(ValueError, match="perform_late"):
        FAULTS.marked(basket_id)
