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
    tree = read(body)
    for path in _leaves(tree):
        others: tuple[Any, ...] = (None, True, [], -7, *(() if path[-1] in free else ("NEVER_MET",)))
        for other in others:
            yield f"{'.'.join(map(str, path))}={other!r}", written(_changed(tree, path, other))


def read(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def written(node: Any) -> bytes:
    """JSON again, every number as it was."""
    return _text(node).encode()


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


def _text(node: Any) -> str:
    if isinstance(node, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(child)}" for name, child in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(_text, node)) + "]"
    return str(node) if isinstance(node, Decimal) else json.dumps(node)


def _replaced(node: Any, name: str, other: Any) -> Any:
    if isinstance(node, dict):
        return {key: other if key == name else _replaced(child, name, other) for key, child in node.items()}
    return [_replaced(child, name, other) for child in node] if isinstance(node, list) else node


def _without(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        return {key: _without(child, name) for key, child in node.items() if key != name}
    return [_without(child, name) for child in node] if isinstance(node, list) else node


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict | list):
        for step, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(child, (*path, step))
    else:
        yield path


def _changed(node: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    step, *rest = path
    inner = _changed(node[step], tuple(rest), other)
    if isinstance(node, dict):
        return {**node, step: inner}
    return [*node[:step], inner, *node[step + 1 :]]
