"""Answers as they must never be believed: what a far side, or something on the way to it, can make of a body."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

SPOILED: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "empty": lambda _body: b"",
        "blank": lambda _body: b"  \n",
        "html": lambda _body: b"<!DOCTYPE html><html><body><h1>OK</h1></body></html>",
        "cut in half": lambda body: body[: len(body) // 2],
        "last brace missing": lambda body: body[:-1],
        "two values": lambda body: body + body,
        "a name twice": lambda body: body.partition(b":")[0] + b':"success",' + body[1:],
        "a name twice with equal values": lambda body: body[:-1] + b"," + body[1:],
        "not an object": lambda body: b"[" + body + b"]",
        "null": lambda _body: b"null",
        "a word": lambda _body: b'"success"',
        "an empty object": lambda _body: b"{}",
        "NaN": lambda body: body[:-1] + b',"more":NaN}',
        "minus Infinity": lambda body: body[:-1] + b',"more":-Infinity}',
        "a number of absurd size": lambda body: body[:-1] + b',"more":1e999999999}',
        "an integer of thousands of digits": lambda body: body[:-1] + b',"more":' + b"9" * 5000 + b"}",
        "lists nested too deeply": lambda body: body[:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "objects nested too deeply": lambda body: body[:-1] + b',"more":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        "not utf-8": lambda body: body[:-1] + b',"more":"\xff\xfe"}',
        "utf-16": lambda body: body.decode().encode("utf-16"),
        "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
        "something behind it": lambda body: body + b"OK",
        "compressed": lambda _body: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    }
)
STATUSES: Final = (302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503)
"""Under none of these is the body of a success one."""
ALIEN_TYPES: Final = ("text/html; charset=utf-8", "text/plain", "application/xml", "application/octet-stream")
NEVER_MET: Final = ('"NEVER_MET"', "null", "true", "[]", "{}", "9", '""')
"""What a field that decides may hold instead of its word, as JSON."""


def without_a_word(body: bytes, word: str) -> Iterator[bytes]:
    """The body with every field of one name holding something that was never met, and without that field."""
    tree = read(body)
    for spelled in NEVER_MET:
        yield written(_replaced(tree, word, json.loads(spelled)))
    yield written(_without(tree, word))


def with_one_leaf_changed(body: bytes, free: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """The body with one value, at any depth, being of another kind; and which one it is.

    Args:
        body: a JSON text.
        free: names of fields that may hold any text.
    """
    pieces: list[str] = []
    leaves = list(_spelled(read(body), (), pieces))
    for path, place in leaves:
        others: tuple[Any, ...] = (None, True, [], -7, *(() if path[-1] in free else ("NEVER_MET",)))
        for other in others:
            text = "".join((*pieces[:place], json.dumps(other), *pieces[place + 1 :]))
            yield f"{'.'.join(map(str, path))}={other!r}", text.encode()


def read(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def written(node: Any) -> bytes:
    """JSON again, every number as it was."""
    pieces: list[str] = []
    for _ in _spelled(node, (), pieces):
        pass
    return "".join(pieces).encode()


def values_of(node: Any, name: str) -> Iterator[Any]:
    """What stands under a name, at any depth."""
    if isinstance(node, dict):
        for found, child in node.items():
            if found == name and not isinstance(child, dict | list):
                yield child
            yield from values_of(child, name)
    elif isinstance(node, list):
        for child in node:
            yield from values_of(child, name)


def _spelled(node: Any, path: tuple[Any, ...], pieces: list[str]) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Writes a tree into pieces that make its text, and tells which of them is which leaf."""
    if isinstance(node, dict):
        for place, (name, child) in enumerate(node.items()):
            pieces.append(f"{',' if place else '{'}{json.dumps(name)}:")
            yield from _spelled(child, (*path, name), pieces)
        pieces.append("}" if node else "{}")
    elif isinstance(node, list):
        for place, child in enumerate(node):
            pieces.append("," if place else "[")
            yield from _spelled(child, (*path, place), pieces)
        pieces.append("]" if node else "[]")
    else:
        yield path, len(pieces)
        pieces.append(str(node) if isinstance(node, Decimal) else json.dumps(node))


def _replaced(node: Any, name: str, other: Any) -> Any:
    if isinstance(node, dict):
        return {key: other if key == name else _replaced(child, name, other) for key, child in node.items()}
    return [_replaced(child, name, other) for child in node] if isinstance(node, list) else node


def _without(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        return {key: _without(child, name) for key, child in node.items() if key != name}
    return [_without(child, name) for child in node] if isinstance(node, list) else node
