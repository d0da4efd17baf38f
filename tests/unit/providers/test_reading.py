from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.connector import Wire
from providers.reading import Unreadable, parse_json, read_wire


def test_numbers_are_exact_and_keep_their_digits() -> None:
    read = parse_json(b'{"a": 1.10, "b": 0E-8, "c": 10, "d": 0.33000000, "e": 10.10}')
    assert [str(value) for value in read.values()] == ["1.10", "0E-8", "10", "0.33000000", "10.10"]
    assert type(read["a"]) is Decimal


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html>",
        b'{"a":1',
        b'{"a":1}{"a":1}',
        b'{"a":1,"a":2}',
        b'{"x":{"a":1,"a":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999999999}',
        b'{"a":1e-999999999}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":0.' + b"1" * 40 + b"}",
        b"[" * 200_000,
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_readers_could_read_differently_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_json(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_unreadable(body: bytes) -> None:
    try:
        parse_json(body)
    except Unreadable:
        return
    assert body.decode().strip()


class _Reply(Wire):
    status: str
    price: Decimal


def test_a_field_of_another_shape_is_named_and_its_value_is_not() -> None:
    with pytest.raises(Unreadable) as bad:
        read_wire({"status": "success", "price": "geheim"}, _Reply)
    assert "price" in str(bad.value)
    assert "geheim" not in str(bad.value)
