"""How often what only looks like a card number is taken for one. README states these rates."""

import random
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from schemas.card_numbers import holds_card_number

DRAWN: Final = 5_000
BODIES: Final = ("35", "86", "01", "99", "91")
"""Who assigns the types of telephones; an IMEI begins with one of them."""


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def with_luhn(body: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body)))
    return body + str(-total % 10)


def imei(chance: random.Random) -> str:
    return with_luhn(chance.choice(BODIES) + digits(chance, 12))


def iban(chance: random.Random) -> str:
    """A Turkish one: bank code, a zero, account number."""
    body = f"{chance.randrange(1, 216):05}0{digits(chance, 16)}"
    return f"TR{98 - int(body + '292700') % 97:02}{body}"


def in_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def tckn(chance: random.Random) -> str:
    nine = [chance.randrange(1, 10), *(chance.randrange(10) for _ in range(8))]
    tenth = (sum(nine[::2]) * 7 - sum(nine[1::2])) % 10
    return "".join(map(str, [*nine, tenth, (sum(nine) + tenth) % 10]))


def moment(chance: random.Random) -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(10 * 365 * 86_400 * 10**6))


def ean(chance: random.Random) -> str:
    body = digits(chance, 12)
    return body + str(-sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(body)) % 10)


KINDS: Final[dict[str, tuple[Callable[[random.Random], str], float]]] = {
    "order numbers of 8 to 12 digits": (lambda chance: digits(chance, chance.randrange(8, 13)), 0),
    "order numbers with date and letters": (lambda chance: f"SIP-{moment(chance):%Y%m%d}-{digits(chance, 6)}", 0),
    "marketplace orders, 3-7-7": (lambda chance: "-".join(digits(chance, size) for size in (3, 7, 7)), 0.002),
    "numbers of 13 digits by chance": (lambda chance: digits(chance, 13), 0.015),
    "numbers of 16 digits by chance": (lambda chance: digits(chance, 16), 0.035),
    "IMEIs": (imei, 0),
    "IMEIs, written 2-6-6-1": (lambda chance: "{0[0]}{0[1]}-{1}-{2}-{3}".format(*split_imei(chance)), 0),
    "IMEIs with software version (16 digits)": (lambda chance: imei(chance)[:14] + digits(chance, 2), 0.02),
    "IBANs": (iban, 0),
    "IBANs in groups of four": (lambda chance: in_fours(iban(chance)), 0),
    "long numbers in groups of four": (lambda chance: in_fours(digits(chance, 24)), 0.07),
    "national identity numbers": (tckn, 0),
    "telephone numbers": (lambda chance: f"+90 5{digits(chance, 2)} {digits(chance, 3)} {digits(chance, 4)}", 0),
    "tracking numbers of 12 and 14 digits": (lambda chance: digits(chance, chance.choice((12, 14))), 0.004),
    "postal tracking numbers": (lambda chance: f"RR{digits(chance, 9)}TR", 0),
    "milliseconds since 1970": (lambda chance: str(int(moment(chance).timestamp() * 1000)), 0),
    "microseconds since 1970": (lambda chance: str(int(moment(chance).timestamp() * 10**6)), 0),
    "moments in RFC 3339": (lambda chance: moment(chance).isoformat(), 0),
    "moments without marks": (lambda chance: f"{moment(chance):%Y%m%d%H%M%S}", 0),
    "fractions": (lambda chance: repr(chance.random() * 10), 0),
    "UUIDs": (lambda chance: str(UUID(int=chance.getrandbits(128))), 0),
    "UUIDs without dashes": (lambda chance: UUID(int=chance.getrandbits(128)).hex, 0),
    "barcodes (EAN-13)": (ean, 0.015),
}


def split_imei(chance: random.Random) -> tuple[str, str, str, str]:
    number = imei(chance)
    return number[:2], number[2:8], number[8:14], number[14:]


@pytest.mark.parametrize("kind", KINDS)
def test_few_are_taken_for_card_numbers(kind: str) -> None:
    make, bound = KINDS[kind]
    chance = random.Random(kind)  # noqa: S311 - the same samples each time
    taken = [text for text in (make(chance) for _ in range(DRAWN)) if holds_card_number(text)]
    assert len(taken) <= bound * DRAWN, f"{len(taken) / DRAWN:.2%}, such as {taken[:5]}"
