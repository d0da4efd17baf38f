"""Reading request fields: presence, type and length, each refused under the code iyzico has for it."""

from collections.abc import Mapping

from infra.sandbox.iyzico.errors import Refused

Json = Mapping[str, object]


def text(source: Json, name: str, *, missing: str = "24", at_most: int = 1000, too_long: str = "11") -> str:
    """A required, non-blank text field.

    Raises:
        Refused: `missing` when absent or blank, 11 when not a text, `too_long` when longer than `at_most`.
    """
    value = optional_text(source, name, at_most=at_most, too_long=too_long)
    if value is None or not value.strip():
        raise Refused(missing, detail=name)
    return value


def optional_text(source: Json, name: str, *, at_most: int = 1000, too_long: str = "11") -> str | None:
    """A text field that may be absent or null."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused("11", detail=f"{name} must be a text")
    if len(value) > at_most:
        raise Refused(too_long, detail=f"{name} is longer than {at_most}")
    return value


def section(source: Json, name: str, *, missing: str = "11") -> Json:
    """A required nested object."""
    value = source.get(name)
    if value is None:
        raise Refused(missing, detail=name)
    if not isinstance(value, Mapping):
        raise Refused("11", detail=f"{name} must be an object")
    return value


def one_of(source: Json, name: str, allowed: frozenset[str], default: str | None, *, code: str = "11") -> str:
    """A word from a fixed list; `default` when absent, or refused when there is none."""
    value = source.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or value not in allowed:
        raise Refused(code, detail=f"{name} must be one of {', '.join(sorted(allowed))}")
    return value


def identifier(source: Json, name: str, *, missing: str = "11") -> str:
    """An id of iyzico's, which clients send as a text or as a number."""
    value = source.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise Refused(missing, detail=name)
    return value
