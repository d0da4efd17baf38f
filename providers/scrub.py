"""What may be recorded of a request or an answer: no secret, no card number, nothing of a person."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from providers.connector import Connector, Credentials
from providers.reading import Unreadable, parse_json
from schemas.card_numbers import mask_card_numbers

HIDDEN: Final = "***"
LONGEST: Final = 4000
"""Characters of a body that are recorded (schemas.provider_calls)."""
_VALUE: Final = re.compile(r"(\bvalue\s*=\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s>\"']+)", re.IGNORECASE)
_SHORTEST_CARD: Final = 10**11
_SHORTEST_SECRET: Final = 6
"""A shorter credential is not searched for in texts: it would blot out words that only look like it."""


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Scrubs for one provider: `names` are JSON or form fields, `secrets` values that must show nowhere."""

    names: frozenset[str]
    secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, connector: Connector, credentials: Credentials, proofs: Iterable[str]) -> "Scrubber":
        """For one exchange; `proofs` are the texts that authenticated it, which an answer might repeat."""
        values = [*proofs, *(secret.get_secret_value() for secret in credentials.values())]
        return cls(connector.secret | connector.personal, tuple(v for v in values if len(v) >= _SHORTEST_SECRET))

    def __repr__(self) -> str:
        return f"Scrubber(names={sorted(self.names)})"

    def scrub(self, body: bytes, parsed: Any = None) -> str:
        """The body as text for records: declared fields at any depth hidden, card numbers masked, cut.

        `parsed` is what `parse_json` made of the body, where that is known already.
        """
        return self.scrub_whole(body, parsed)[:LONGEST]

    def scrub_whole(self, body: bytes, parsed: Any = None) -> str:
        """The same without the cut."""
        try:
            tree = parse_json(body) if parsed is None else parsed
            text = json.dumps(self._walk(tree), ensure_ascii=False, separators=(",", ":"), default=str)
        except (Unreadable, RecursionError):
            # A broken body still names its fields, mostly; what stands behind a declared name is hidden up to where
            # its value can be told to end.
            text = _by_name(body.decode("utf-8", "replace"), self.names)
        text = mask_card_numbers(text)
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        # PostgreSQL cannot store U+0000 in text, and a lone surrogate cannot be written as UTF-8 at all.
        return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")

    def _walk(self, node: Any) -> Any:
        # A parsed JSON value holds these very classes and no others.
        kind = type(node)
        if kind is str:
            # A provider may repeat the form that it got inside a text of its own.
            return mask_card_numbers(_by_name_in_form(node, self.names) if "=" in node else node)
        if kind is dict:
            return {
                mask_card_numbers(name): HIDDEN if name in self.names and child is not None else self._walk(child)
                for name, child in node.items()
            }
        if kind is list:
            return [self._walk(child) for child in node]
        if kind is Decimal:
            return str(node)
        if kind is int and abs(node) >= _SHORTEST_CARD:
            text = str(node)
            masked = mask_card_numbers(text)
            return node if masked == text else masked
        return node


def _by_name(text: str, names: frozenset[str]) -> str:
    some = _any_of(names)
    if not some:
        return text
    in_json = re.compile(rf'(["\'](?:{some})["\']\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\{{[^}}]*\}}?|[^,}}\]\s]+)')
    return _by_name_in_form(_by_name_in_page(in_json.sub(rf'\1"{HIDDEN}"', text), some), names)


def _by_name_in_page(text: str, some: str) -> str:
    """A page that was not understood may hold a form's fields, as what was sent or as what the bank is to be told."""
    field = re.compile(rf"<[^<>]*\bname\s*=\s*[\"']?(?:{some})(?![0-9A-Za-z_])[^<]*", re.IGNORECASE)
    return field.sub(lambda tag: _VALUE.sub(rf'\1"{HIDDEN}"', tag[0]), text)


def _by_name_in_form(text: str, names: frozenset[str]) -> str:
    """A form's field may stand inside another one's brackets: `card[number]=`."""
    some = _any_of(names)
    return re.sub(rf"((?<![0-9A-Za-z_])(?:{some})\]?=)[^&\s<>\"']*", rf"\1{HIDDEN}", text) if some else text


@cache
def _any_of(names: frozenset[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
