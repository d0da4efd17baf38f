import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.window import Ticket, Window


def a_window() -> tuple[Window[int], list[int]]:
    acked: list[int] = []
    return Window(acked.append), acked


offsets = st.lists(st.integers(0, 10_000), min_size=1, max_size=40, unique=True).map(sorted)


@given(st.data(), offsets)
def test_acks_are_the_finished_prefix_in_order_whatever_finishes_first(data: st.DataObject, records: list[int]) -> None:
    window, acked = a_window()
    tickets = [window.admit(offset, offset) for offset in records]
    finished: set[int] = set()
    for ticket in data.draw(st.permutations(tickets)):
        ticket.done()
        finished.add(ticket.offset)
        prefix = next((place for place, offset in enumerate(records) if offset not in finished), len(records))
        assert acked == records[:prefix]
    assert acked == records


@given(st.data(), offsets)
def test_records_that_come_while_others_finish_are_acked_in_order_too(data: st.DataObject, records: list[int]) -> None:
    window, acked = a_window()
    waiting = list(reversed(records))
    open_tickets: list[Ticket[int]] = []
    while waiting or open_tickets:
        if waiting and (not open_tickets or data.draw(st.booleans())):
            offset = waiting.pop()
            open_tickets.append(window.admit(offset, offset))
        else:
            open_tickets.pop(data.draw(st.integers(0, len(open_tickets) - 1))).done()
        assert acked == records[: len(acked)]
        assert all(ticket.offset not in acked for ticket in open_tickets)
    assert acked == records


def test_finishing_twice_acks_once() -> None:
    window, acked = a_window()
    first, second = window.admit(3, 3), window.admit(4, 4)
    first.done()
    first.done()
    second.done()
    first.done()
    assert acked == [3, 4]


def test_a_closed_window_acks_nothing_more() -> None:
    window, acked = a_window()
    first, second = window.admit(0, 0), window.admit(1, 1)
    first.done()
    window.close()
    second.done()
    assert (acked, len(window), window.closed) == ([0], 0, True)


@pytest.mark.parametrize("offset", [5, 4, 0])
def test_an_offset_that_does_not_rise_is_refused(offset: int) -> None:
    window, _ = a_window()
    window.admit(5, 5)
    with pytest.raises(ValueError, match="two assignments"):
        window.admit(offset, offset)


def test_an_offset_is_refused_even_after_the_records_before_it_are_gone() -> None:
    window, _ = a_window()
    window.admit(5, 5).done()
    with pytest.raises(ValueError, match="two assignments"):
        window.admit(5, 5)


def test_the_age_is_that_of_the_oldest_unfinished_record() -> None:
    window, _ = a_window()
    assert window.head_age_s == 0.0
    first, second = window.admit(0, 0), window.admit(1, 1)
    first.admitted_at -= 100
    second.admitted_at -= 50
    assert window.head_age_s >= 100
    first.done()
    assert 50 <= window.head_age_s < 100
    second.done()
    assert window.head_age_s == 0.0
