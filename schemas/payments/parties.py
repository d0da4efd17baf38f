"""People and places of a payment: personal data, which stands in commands (kept for days) and never in events."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen, NoNul, Text, Token


class Address(Frozen, extra="forbid"):
    contact_name: Text
    line: Text
    city: Text
    country: Text
    zip_code: Annotated[str, Field(max_length=20), NoNul] | None = None


class Buyer(Frozen, extra="forbid"):
    """Who pays. `identity_number` is the national id (TCKN or passport), which Turkish gateways must ask for."""

    buyer_id: Token
    name: Text
    surname: Text
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), NoNul]
    identity_number: Annotated[str, Field(min_length=1, max_length=50), NoNul]
    phone: Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$")] | None = None
    ip: Annotated[str, Field(min_length=2, max_length=45), NoNul] | None = None
    address: Address
