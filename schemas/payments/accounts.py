"""Bank accounts."""

from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.iban import is_iban


def _valid(text: str) -> str:
    if not is_iban(text):
        raise ValueError("is no IBAN: its length or its check digits do not fit; write it without blanks")
    return text


Iban = Annotated[
    str, Field(min_length=15, max_length=34, pattern=r"^[A-Z]{2}[0-9]{2}[0-9A-Z]+$"), AfterValidator(_valid)
]
"""An IBAN without blanks (ISO 13616-1), its check digits right."""
