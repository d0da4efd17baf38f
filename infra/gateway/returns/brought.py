"""What a browser brought back from the bank: form fields, whichever way the bank sent them. Pure.

None of it is believed by itself; whether the provider signed it is for its connector to say.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from pydantic import ValidationError

from infra.gateway.returns.ticket import PARAMETER
from schemas.card_numbers import holds_card_number
from schemas.payments import ReturnedField

MOST: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"


def brought(query: str, content_type: str, body: bytes) -> tuple[ReturnedField, ...]:
    """The fields of the address and of a posted form, in their order; none where there are too many to be a bank's.

    What no command may hold is left out: a name or value of strange letters, and what looks like a card number.
    """
    posted = body.decode("utf-8", "replace") if content_type.partition(";")[0].strip().casefold() == _FORM else ""
    try:
        pairs = [*_pairs(query), *_pairs(posted)]
        # Some banks put a question mark before what they add, whether there is one or not: it ends up in the ticket.
        pairs += [pair for name, value in pairs if name == PARAMETER for pair in _pairs(value.partition("?")[2])]
    except ValueError:
        return ()
    fields = tuple(_fields((name, value) for name, value in pairs if name != PARAMETER))
    return fields if len(fields) <= MOST else ()


def told_once(fields: Iterable[ReturnedField]) -> Mapping[str, str]:
    """Name and value of what stands there once: of what stands there twice readers would disagree."""
    fields = tuple(fields)
    names = [field.name for field in fields]
    return {field.name: field.value for field in fields if names.count(field.name) == 1}


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST + 1)


def _fields(pairs: Iterable[tuple[str, str]]) -> Iterable[ReturnedField]:
    for name, value in pairs:
        try:
            field = ReturnedField(name=name, value=value)
        except ValidationError:
            continue
        if not holds_card_number(value) and not holds_card_number(name):
            yield field
