"""The quick look that spares most records the slow one never disagrees with it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Header
from streams.codec import _may_hold_card_number, card_number_in

CARDS = [
    "5528790000000008",
    "5528 7900 0000 0008",
    "4111-1111-1111-1111",
    "378282246310005",
    "x5528790000000008",
    "5528\n7900\n0000\n0008",
    "5528\xa07900\xa00000\xa00008",
    "".join(chr(0xFF10 + int(digit)) for digit in "5528790000000008"),
    "\\u0035528790000000008",
    "%35528790000000008",
    "0",
]
pieces = st.one_of(
    st.sampled_from(CARDS),
    st.text(max_size=20),
    st.text("0123456789 -.\t\xa0\u2013\u0665\uff15", max_size=30),
    st.uuids().map(str),
)
texts = st.lists(pieces, max_size=3).map("".join)
trees: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, st.integers(), st.sampled_from([5528790000000008, 378282246310005]), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


@given(
    st.one_of(st.none(), texts.map(str.encode)),
    trees,
    st.lists(st.tuples(texts, texts.map(lambda text: text.encode("utf-8", "replace"))), max_size=2),
    st.booleans(),
    st.sampled_from([None, 2]),
)
def test_what_it_lets_pass_holds_no_card_number(
    key: bytes | None, tree: Any, headers: list[Header], ascii_only: bool, indent: int | None
) -> None:
    value = json.dumps(tree, ensure_ascii=ascii_only, indent=indent).encode()
    if card_number_in(key, tree, headers) is not None:
        assert _may_hold_card_number(key, value, tree, headers)


def test_an_ordinary_record_is_spared_the_slow_look() -> None:
    value = json.dumps({"id": "0193687d-7e0c-7d0a-8c5e-1b7f4c1d2a60", "phone": "+905350000000", "minor": 1250}).encode()
    assert not _may_hold_card_number(
        b"order-7", value, json.loads(value), [("ce_time", b"2026-11-25T12:00:00.000000Z")]
    )


@pytest.mark.parametrize("card", CARDS[:-1])
def test_a_card_number_gets_the_slow_look_however_json_escapes_it(card: str) -> None:
    for ascii_only in (True, False):
        value = json.dumps({"note": card, "name": "I\u015f\u0131l"}, ensure_ascii=ascii_only).encode()
        assert card_number_in(None, json.loads(value), ()) == "note"
        assert _may_hold_card_number(None, value, json.loads(value), ())
