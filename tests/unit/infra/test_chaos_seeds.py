"""Which seeds are run, and which have passed already."""

from pathlib import Path

import pytest

from infra.chaos import Passed, Wanted, code_digest, parse_seeds

WANTED = Wanted(seed=3, seconds=100, brokers=3, commands=2000)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", (7,)), ("1..3", (1, 2, 3)), ("2, 5..6", (2, 5, 6)), ("4,4", (4,)), ("9..9", (9,))],
)
def test_seeds_are_read_as_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "1..", "..3", "3..1", "1-3", "-1", "0..5000"])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seed"):
        parse_seeds(text)


def test_a_seed_that_passed_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "chaos.json"
    assert Passed(path, "code").line(WANTED) is None
    Passed(path, "code").keep(WANTED, {"seed": 3, "lost": 0})
    assert Passed(path, "code").line(WANTED) == {"seed": 3, "lost": 0}


def test_a_pass_counts_for_this_code_and_these_settings_alone(tmp_path: Path) -> None:
    path = tmp_path / "chaos.json"
    Passed(path, "code").keep(WANTED, {"seed": 3})
    assert Passed(path, "other code").line(WANTED) is None
    assert Passed(path, "code").line(Wanted(seed=3, seconds=50, brokers=3, commands=2000)) is None
    assert Passed(path, "code").line(Wanted(seed=4, seconds=100, brokers=3, commands=2000)) is None


def test_the_code_has_one_digest() -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64
