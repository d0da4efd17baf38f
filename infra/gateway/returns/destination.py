"""Where a shopper may be sent on to, and the address with what became of the payment. Pure."""

from collections.abc import Collection
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from infra.return_settings import origin_of

State = Literal["captured", "authorized", "failed", "pending"]
"""How the payment stands, for a shop's page: a hint, since a shopper can write any address. Its result is on Kafka."""

LONGEST: Final = 2_000
ADDED: Final = ("payment_id", "state")


def trouble_with(to: str, allowed: Collection[str]) -> str | None:
    """Why nobody is sent to this address, as a sentence for the backend; `None` where somebody may be."""
    if len(to) > LONGEST:
        return f"may have {LONGEST} characters at most"
    origin = origin_of(to)
    if origin is None:
        return "must be like https://shop.example/path?query: ASCII, a host in lower case, no user, no blanks"
    if origin not in allowed:
        return "is at an origin that is not among KOLAJ_RETURN_ORIGINS; add it there, or name another address"
    named = {name for name, _ in parse_qsl(urlsplit(to).query, keep_blank_values=True)}
    if named.intersection(ADDED):
        return f"must not hold {' or '.join(ADDED)} in its query: the hub adds them"
    return None


def with_state(to: str, payment_id: UUID, state: State) -> str:
    """The address with `payment_id` and `state` behind what stands in its query, its fragment kept."""
    address, hash_sign, fragment = to.partition("#")
    before, question, query = address.partition("?")
    added = urlencode({"payment_id": str(payment_id), "state": state})
    return f"{before}?{f'{query}&' if question and query else ''}{added}{hash_sign}{fragment}"
