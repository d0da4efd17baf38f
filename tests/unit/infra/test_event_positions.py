"""The word that says where a reader stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.events.position import position_word, positions_of

OFFSETS = st.lists(st.integers(0, 2**63 - 1), max_size=60)


@given(OFFSETS)
def test_positions_come_back_as_they_were(offsets: list[int]) -> None:
    positions = dict(enumerate(offsets))
    assert positions_of("t", position_word("t", positions)) == positions


def test_it_is_short_for_the_usual_topic() -> None:
    assert len(position_word("kolaj.payments.events", dict.fromkeys(range(6), 1_000_000))) <= 32


@given(OFFSETS.filter(bool), st.data())
def test_a_word_with_one_letter_changed_or_of_another_topic_is_refused(offsets: list[int], data: st.DataObject) -> None:
    word = position_word("t", dict(enumerate(offsets)))
    place = data.draw(st.integers(0, len(word) - 2))  # the last letter may carry bits that mean nothing
    letter = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda one: one != word[place]))
    for spoiled, topic in ((word[:place] + letter + word[place + 1 :], "t"), (word, "other")):
        with pytest.raises(ValueError, match="changed"):
            positions_of(topic, spoiled)


@pytest.mark.parametrize("word", ["", "A", "a b", "ğ", "=", "AAAA", "x" * 9000])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"spelled|changed"):
        positions_of("t", word)
