"""What is found and masked, however it is written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.card_issuers import is_card_number
from schemas.card_numbers import (
    _ANY_DIGIT,
    _PASSED_OVER,
    holds_card_number,
    is_number_of_card,
    mask_card_numbers,
    may_hold_card_number,
)

NUMBER = "5528790000000008"
FOURS = ("5528", "7900", "0000", "0008")
BLANKS = {
    "blank": " ",
    "two blanks": "  ",
    "dash": "-",
    "dash between blanks": " - ",
    "dot": ".",
    "underline": "_",
    "line break": "\n",
    "Windows line break": "\r\n",
    "tab": "\t",
    "no-break space": "\xa0",
    "thin space": "\u2009",
    "narrow no-break space": "\u202f",
    "ideographic space": "\u3000",
    "en dash": "\u2013",
    "non-breaking hyphen": "\u2011",
    "minus": "\u2212",
    "soft hyphen": "\xad",
    "zero width space": "\u200b",
    "byte order mark": "\ufeff",
    "NUL, as in UTF-16": "\0",
    "blank of a form": "+",
    "percent-encoded blank": "%20",
}
ISSUERS = {
    "Visa": "4111111111111111",
    "Visa of 13": "4222222222222",
    "Visa of 19": "4000000000000000006",
    "Mastercard": NUMBER,
    "Mastercard, 2-series": "2223003122003222",
    "American Express": "378282246310005",
    "Troy": "9792072000017956",
    "Troy on Discover": "6501700194147183",
    "Discover": "6011111111111117",
    "JCB": "3566002020360505",
    "Diners Club": "36227206271667",
    "UnionPay": "6200000000000005",
    "UnionPay of 19": "6205500000000000004",
    "Maestro": "6759649826438453",
    "Mir": "2201382000000013",
}


def in_script(number: str, zero: int) -> str:
    return "".join(chr(zero + int(digit)) for digit in number)


def hidden(text: str) -> bool:
    """Nothing but the number's last four digits is left in the text."""
    digits = [str(unicodedata.decimal(character)) for character in text if character.isdecimal()]
    return NUMBER[:12] not in "".join(digits) and not holds_card_number(text)


@pytest.mark.parametrize("number", ISSUERS.values(), ids=ISSUERS)
def test_each_issuers_number_is_found_in_one_piece_and_in_fours(number: str) -> None:
    assert holds_card_number(number)
    assert holds_card_number(" ".join(number[at : at + 4] for at in range(0, len(number), 4)))


@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
def test_a_number_is_found_and_masked_whatever_stands_between_its_groups(blank: str) -> None:
    text = blank.join(FOURS)
    assert holds_card_number(text)
    assert mask_card_numbers(text) in {blank.join(("****", "****", "****", "0008")), "**** **** **** 0008"}


@pytest.mark.parametrize(
    "written",
    [
        *("5528 79000000 0008", "55287900 00000008", "552879 0000000008", "552879 00 0000 0008", "5528 790000 000008"),
        *("55 28 79 00 00 00 00 08", "5 5 2 8 7 9 0 0 0 0 0 0 0 0 0 8", "552-879-000-000-000-8"),
        "5.528.790.000.000.008",
    ],
)
def test_a_number_is_found_however_it_is_grouped(written: str) -> None:
    assert hidden(mask_card_numbers(written))
    assert holds_card_number(written)


@pytest.mark.parametrize("written", ["3782 822463 10005", "3782-822463-10005", "3782 8224 6310 005"])
def test_american_express_is_found_as_it_is_embossed(written: str) -> None:
    assert holds_card_number(written)


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE], ids=hex)
def test_digits_of_other_scripts_count(zero: int) -> None:
    text = in_script(NUMBER, zero)
    assert mask_card_numbers(text) == "*" * 12 + in_script("0008", zero)
    assert hidden(mask_card_numbers(f"{in_script('5528', zero)} 7900 {in_script('0000', zero)} 0008"))


@pytest.mark.parametrize(
    "text",
    [
        f"qty 2 {NUMBER}",
        f"{NUMBER} 12/30",
        f"2 {' '.join(FOURS)} 123",
        f"{' '.join(FOURS)} 12 30 123",
        f"number={NUMBER}&cvc=123",
        f"PAN{NUMBER}",
        f"kart{NUMBER}sahibi",
        f"{NUMBER}.",
        f"({NUMBER})",
        f"{NUMBER}.0",
        f"a{NUMBER}z {NUMBER}",
        f"0193687d-7e0c-7d0a-8c5e-1b7f4c1d2a60 {NUMBER}",
        f"TR330006100519786457841326 {NUMBER}",
        f"TR33 0006 1005 1978 6457 8413 26 {' '.join(FOURS)}",
    ],
)
def test_a_number_is_found_beside_other_things(text: str) -> None:
    masked = mask_card_numbers(text)
    assert hidden(masked)
    assert len(masked) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "\\u0035528790000000008",
        "".join(f"\\u00{ord(digit):x}" for digit in NUMBER),
        "".join(f"\\\\u00{ord(digit):x}" for digit in NUMBER),
        "".join(f"%{ord(digit):x}" for digit in NUMBER),
        "5528%C2%A07900%C2%A00000%C2%A00008",
    ],
)
def test_escapes_hide_no_number(text: str) -> None:
    assert holds_card_number(text)
    assert hidden(mask_card_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "5528790000000009",  # the check digit
        "1528790000000006",  # nobody's
        "55287900000000080",  # a digit more than its issuer uses
        "000005528790000000008",
        "0193687d-7e0c-7d0a-8c5e-411111111111",
        "ab5528790000000008",  # hexadecimal
        "TR33 0006 1005 1978 6457 8413 26",
        "0.5528790000000008",
        "4.111111111111111",
        "5528,7900,0000,0008",
        "2026-11-25T12:00:00.000000Z",
        "1764072000000",
        "74300864791",
        "",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert not holds_card_number(text)
    assert mask_card_numbers(text) == text


@pytest.mark.parametrize("number", [5528790000000008, 5528790000000008.0, 4222222222222])
def test_a_json_number_can_be_a_card_number(number: float) -> None:
    assert is_number_of_card(number)


@pytest.mark.parametrize("number", [0, 1250, -5528790000000008, 5528790000000009, 1e300, float("inf"), float("nan")])
def test_most_json_numbers_are_none(number: float) -> None:
    assert not is_number_of_card(number)


pieces = st.one_of(
    st.sampled_from([NUMBER, *ISSUERS.values(), "5528 7900", "0000-0008", "%20", "\\u0035", *BLANKS.values()]),
    st.text(max_size=10),
    st.text("0123456789 -.", max_size=24),
    st.uuids().map(str),
)


@given(st.lists(pieces, max_size=6).map("".join))
def test_nothing_is_left_to_find_once_it_was_masked(text: str) -> None:
    masked = mask_card_numbers(text)
    assert not holds_card_number(masked)
    assert (masked != text) == holds_card_number(text)


@given(st.text("0123456789", min_size=12, max_size=20))
def test_the_check_digit_is_luhns(digits: str) -> None:
    doubled = "".join(str(int(digit) * (1 + place % 2)) for place, digit in enumerate(reversed(digits)))
    by_the_book = sum(map(int, doubled)) % 10 == 0
    if is_card_number(digits):
        assert by_the_book
    elif digits.startswith("4") and len(digits) == 16:
        assert not by_the_book


def test_the_quick_look_knows_every_digit_and_every_blank() -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert {character.encode()[0] for character in every if character.isdecimal()} == set(_ANY_DIGIT)
    blanks = [character for character in every if character.isspace()]
    assert {byte for character in blanks for byte in character.encode()} <= set(_PASSED_OVER) | set(_ANY_DIGIT)
    assert may_hold_card_number("\u3000".join(NUMBER).encode())
