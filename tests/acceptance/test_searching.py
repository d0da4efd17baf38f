"""The search for leaks finds each form of one: a search that cannot find proves nothing."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from tests.acceptance.searching import holding, spellings

SECRET = 'gizli/Şifre+"42"=é%'
BYTES = bytes(range(130, 162))

WAYS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode(),
    "JSON": lambda text: json.dumps({"a": [text]}).encode(),
    "JSON in UTF-8": lambda text: json.dumps({"a": text}, ensure_ascii=False).encode(),
    "JSON within JSON": lambda text: json.dumps({"body": json.dumps({"a": text})}).encode(),
    "JSON within JSON within JSON": lambda text: json.dumps([json.dumps([json.dumps([text])])]).encode(),
    "JSON in UTF-8 within JSON": lambda text: json.dumps(json.dumps([text], ensure_ascii=False)).encode(),
    "JSON with slashes escaped": lambda text: json.dumps(text).replace("/", "\\/").encode(),
    "a row as text": lambda text: ('(1,"' + json.dumps(text, ensure_ascii=False)[1:-1] + '")').encode(),
    "a query": lambda text: urlencode({"key": text}).encode(),
    "a path": lambda text: quote(text).encode(),
    "percents in small letters": lambda text: quote(text, safe="").replace("%C5%9E", "%c5%9e").lower().encode(),
    "a query within a query": lambda text: urlencode({"to": quote(text, safe="")}).encode(),
    "a representation of text": lambda text: ascii({"a": text}).encode(),
    "a representation of bytes": lambda text: repr({"a": text.encode()}).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "hex in capitals": lambda text: text.encode().hex().upper().encode(),
    "bytea as text": lambda text: ("\\x" + b"ab".hex() + text.encode().hex()).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "basic authentication": lambda text: b"Basic " + base64.b64encode(f"user:{text}".encode()),
    "base64 after two bytes": lambda text: base64.b64encode(f"ab{text} and more".encode()),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(f"abcd{text}/".encode()),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"a": text}, ensure_ascii=False).encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_text_is_found_however_it_is_written(way: str) -> None:
    text = SECRET.lower() if "small" in way else SECRET
    assert holding({"clean": b"nothing to see", "planted": b"\x00{ " + WAYS[way](text) + b" }\n"}, [text]) == [
        "planted"
    ]


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(
    "write", [bytes, bytes.hex, base64.b64encode, base64.urlsafe_b64encode, repr], ids=lambda write: write.__name__
)
def test_planted_bytes_are_found_however_they_are_written(write: Callable[[bytes], bytes | str], before: int) -> None:
    written = write(b"x" * before + BYTES + b"tail")
    planted = written.encode() if isinstance(written, str) else written
    assert holding({"planted": planted}, [BYTES]) == ["planted"]


def test_what_only_resembles_the_value_is_not_found() -> None:
    near = SECRET[:-1] + "x"
    assert holding({way: write(near) for way, write in WAYS.items()}, [SECRET]) == []


@pytest.mark.parametrize("value", ["1234567890", "abcdef", "4603450000000000", "uye-5519"])
def test_no_spelling_is_so_short_that_chance_finds_it(value: str) -> None:
    assert min(map(len, spellings(value))) >= 6


def test_a_search_for_nothing_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="nothing was looked for"):
        holding({"planted": b"anything"}, [""])
