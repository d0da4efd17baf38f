from streams.lag import Lag, Place
from streams.progress import Progress

HERE: Place = ("commands", 0)
THERE: Place = ("commands", 1)


def seen(progress: Progress, now: float, position: int, end: int, *, busy: bool = False, place: Place = HERE) -> float:
    """What a look finds, and for how long the worst partition stands still after it."""
    progress.look(now, {place: busy}, {place: Lag(place, position, end, 0)})
    return progress.still_s(now)


def test_standing_still_while_records_wait_counts_from_the_first_look_at_that_position() -> None:
    progress = Progress(stall_s=60)
    assert [seen(progress, now, 5, 9) for now in (0, 10, 70)] == [0, 10, 70]
    assert "commands/0 stands still at 5" in progress.where()


def test_a_position_that_moves_begins_anew() -> None:
    progress = Progress(stall_s=60)
    seen(progress, 0, 5, 9)
    seen(progress, 50, 5, 9)
    assert seen(progress, 60, 6, 9) == 0
    assert seen(progress, 70, 6, 9) == 10


def test_an_idle_partition_does_not_stand_still() -> None:
    progress = Progress(stall_s=60)
    assert [seen(progress, now, 9, 9) for now in (0, 1_000, 2_000)] == [0, 0, 0]
    assert [seen(progress, now, 9, 10) for now in (2_010, 2_020)] == [0, 10]


def test_what_is_worked_on_does_not_stand_still_however_long_it_takes() -> None:
    progress = Progress(stall_s=60)
    assert [seen(progress, now, 5, 9, busy=True) for now in (0, 1_000)] == [0, 0]
    assert [seen(progress, now, 5, 9) for now in (1_010, 1_030)] == [0, 20]


def test_one_partition_that_moves_does_not_cover_for_one_that_stands() -> None:
    progress = Progress(stall_s=60)
    for now, moving in ((0, 1), (40, 2), (80, 3)):
        idle = {HERE: False, THERE: False}
        progress.look(now, idle, {HERE: Lag(HERE, 5, 9, 0), THERE: Lag(THERE, moving, 9, 0)})
    assert progress.still_s(80) == 80
    assert "commands/0" in progress.where()


def test_a_group_that_gives_out_no_partitions_stands_still() -> None:
    progress = Progress(stall_s=60)
    seen(progress, 0, 5, 9)
    progress.without(10)
    progress.without(30)
    assert progress.still_s(75) == 65
    assert "gives out no partitions" in progress.where()
    assert seen(progress, 80, 5, 9) == 0


def test_an_outage_in_which_nothing_can_be_seen_is_no_standing_still() -> None:
    progress = Progress(stall_s=60)
    seen(progress, 0, 5, 9)
    progress.unseen()
    assert seen(progress, 100, 5, 9) == 0
    assert seen(progress, 130, 5, 9) == 30
