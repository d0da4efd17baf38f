import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.columns import as_jsonb, storable


@pytest.mark.parametrize(
    "text",
    [
        '{"price": 10.10, "n": 12345678901234567890}',
        "[]",
        "1.0",
        '"x"',
        "null",
        '"İı"',
        '{"signature": "95c1f567a11d84f5eb6e154f8a93201e9999"}',
        '{"rate":0E-8,"other":[1e99,-2.5E+12]}',
        '{"a":' * 150 + "1" + "}" * 150,
    ],
)
def test_json_is_kept_as_it_is(text: str) -> None:
    assert as_jsonb(text) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"cut": "of',
        "<html>",
        "NaN",
        '{"a": Infinity}',
        '"\\u0000"',
        '"\\ud800"',
        "1e9999",
        '{"a":-1.5E-999}',
        "[1, 2E+130]",
        "9" * 5000,
        "[" * 100_000,
    ],
)
def test_what_jsonb_refuses_is_kept_as_text(text: str) -> None:
    kept = as_jsonb(text)
    assert kept is not None
    assert json.loads(kept) == text


def test_no_body_is_no_json() -> None:
    assert as_jsonb("") is None


@given(st.text())
def test_every_text_becomes_json_without_nul(text: str) -> None:
    kept = as_jsonb(text)
    if kept is not None:
        assert "\x00" not in kept
        assert "\\u0000" not in kept.replace("\\\\", "")
        json.loads(kept, parse_float=Decimal)


@given(st.one_of(st.text(), st.integers(), st.none(), st.binary()))
def test_only_nul_in_text_is_replaced(value: object) -> None:
    assert storable(value) == (value.replace("\x00", "\ufffd") if isinstance(value, str) else value)
