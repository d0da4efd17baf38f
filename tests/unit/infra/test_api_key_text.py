import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.access.key_text import MARK, NoKey, mint, read

LETTERS = string.digits + string.ascii_letters


def test_a_new_key_is_read_as_whole() -> None:
    text = mint()
    shown = read(text)
    assert text.startswith(f"{MARK}{shown.prefix}_")
    assert len(shown.digest) == 32


def test_no_two_keys_are_alike() -> None:
    keys = [mint() for _ in range(200)]
    assert len({read(text).prefix for text in keys}) == len({read(text).digest for text in keys}) == 200


@given(st.data())
def test_one_wrong_letter_is_noticed(data: st.DataObject) -> None:
    text = mint()
    place = data.draw(st.integers(len(MARK), len(text) - 1))
    letter = data.draw(st.sampled_from(LETTERS + "_-é "))
    if letter == text[place]:
        return
    with pytest.raises(NoKey):
        read(text[:place] + letter + text[place + 1 :])


@given(st.data())
def test_two_letters_that_changed_places_are_noticed(data: st.DataObject) -> None:
    text = mint()
    place = data.draw(st.integers(len(MARK), len(text) - 2))
    if text[place] == text[place + 1]:
        return
    with pytest.raises(NoKey):
        read(text[:place] + text[place + 1] + text[place] + text[place + 2 :])


@pytest.mark.parametrize("cut", [1, 5, 6, 30, 60])
def test_a_key_that_was_cut_is_noticed(cut: int) -> None:
    with pytest.raises(NoKey):
        read(mint()[:-cut])


@given(st.text(max_size=100))
def test_any_other_text_is_no_key(text: str) -> None:
    for other in (text, MARK + text):
        with pytest.raises(NoKey):
            read(other)


def test_blanks_and_line_ends_around_a_key_are_not_taken() -> None:
    for around in (" {}", "{} ", "{}\n"):
        with pytest.raises(NoKey):
            read(around.format(mint()))
