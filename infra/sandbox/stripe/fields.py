"""A request's parameters, read one by one; what cannot be read is refused as Stripe does."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from infra.sandbox.stripe.refusing import Refused, invalid

_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
_MOST_METADATA: Final = 50
_LONGEST_NAME: Final = 40
_LONGEST_VALUE: Final = 500
_FLAGS: Final = {"true": True, "false": False}


class Fields:
    """Members of a request, or of one of its parameters. `path` is its name, as an error tells it."""

    def __init__(self, members: Mapping[str, Any], path: str = "") -> None:
        self._members = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def named(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name

    def only(self, known: Iterable[str]) -> None:
        """Raises: Refused: there is a parameter of another name."""
        for name in self._members.keys() - set(known):
            param = self.named(name)
            raise invalid(f"Received unknown parameter: {param}", param, "parameter_unknown")

    def text(self, name: str) -> str:
        """Raises: Refused: it is missing or empty."""
        if name not in self._members:
            raise invalid(f"Missing required param: {self.named(name)}.", self.named(name), "parameter_missing")
        value = self.optional(name)
        if value is None:
            message = f"You passed an empty string for '{self.named(name)}'."
            raise invalid(message, self.named(name), "parameter_invalid_empty")
        return value

    def optional(self, name: str) -> str | None:
        """Text; `None` where it is missing or empty, which unsets it.

        Raises:
            Refused: it has members.
        """
        value = self._members.get(name)
        if isinstance(value, dict):
            raise invalid(f"Invalid string: {self.named(name)}", self.named(name))
        return value or None

    def choice(self, name: str, words: Iterable[str]) -> str | None:
        """Raises: Refused: it is none of the words."""
        value, known = self.optional(name), sorted(words)
        if value is not None and value not in known:
            raise invalid(f"Invalid {self.named(name)}: must be one of {', '.join(known)}", self.named(name))
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Raises: Refused: it is neither true nor false."""
        value = self.optional(name)
        if value is None:
            return default
        if value not in _FLAGS:
            raise invalid(f"Invalid boolean: {value}", self.named(name))
        return _FLAGS[value]

    def number(self, name: str) -> int | None:
        """Raises: Refused: it is no whole number."""
        value = self.optional(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise invalid(f"Invalid integer: {value}", self.named(name), "parameter_invalid_integer")
        return int(value)

    def inner(self, name: str) -> "Fields":
        """The members of a parameter; none where it is missing."""
        value = self._members.get(name) or {}
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {self.named(name)}", self.named(name))
        return Fields(value, self.named(name))

    def rows(self, name: str) -> list["Fields"]:
        """The rows of a list of objects."""
        listed = self.inner(name)
        return [listed.inner(index) for index in listed.indexes()]

    def texts(self, name: str) -> list[str]:
        """The rows of a list of texts."""
        listed = self.inner(name)
        return [listed.text(index) for index in listed.indexes()]

    def indexes(self) -> list[str]:
        if not all(name.isascii() and name.isdigit() for name in self._members):
            raise invalid(f"Invalid array: {self._path}", self._path)
        return sorted(self._members, key=int)

    def metadata(self, known: Mapping[str, str] | None = None) -> dict[str, str]:
        """What was known, with what is told now; an empty value takes one away.

        Raises:
            Refused: too many, or too long.
        """
        told = self._members.get("metadata") or {}
        if not isinstance(told, dict):
            raise invalid("Invalid object: metadata", "metadata")
        merged = {name: value for name, value in {**(known or {}), **told}.items() if value != ""}
        for name, value in merged.items():
            if not isinstance(value, str) or len(name) > _LONGEST_NAME or len(value) > _LONGEST_VALUE:
                raise invalid(f"Metadata '{name[:_LONGEST_NAME]}' is too long, or no text.", f"metadata[{name}]")
        if len(merged) > _MOST_METADATA:
            raise Refused("Metadata can have up to 50 keys.", param="metadata", executed=False)
        return merged
