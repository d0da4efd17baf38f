"""People and places of a payment: personal data, in the clear in commands alone, which are kept for days."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen, NoNul, Text, Token
from schemas.personal import Personal


class Address(Frozen, extra="forbid"):
    contact_name: Annotated[Text, Personal()]
    line: Annotated[Text, Personal()]
    city: Annotated[Text, Personal()]
    country: Annotated[Text, Personal()]
    zip_code: Annotated[Annotated[str, Field(max_length=20), NoNul] | None, Personal()] = None


class Buyer(Frozen, extra="forbid"):
    """Who pays. `identity_number` is the national id (TCKN or passport), which Turkish gateways must ask for.

    `buyer_id` is the publisher's own: with the publisher (`ce_source`) it names the data subject.
    """

    buyer_id: Annotated[Token, Personal()]
    name: Annotated[Text, Personal()]
    surname: Annotated[Text, Personal()]
    email: Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), NoNul, Personal()]
    identity_number: Annotated[str, Field(min_length=1, max_length=50), NoNul, Personal(kept=False)]
    phone: Annotated[Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$")] | None, Personal()] = None
    ip: Annotated[Annotated[str, Field(min_length=2, max_length=45), NoNul] | None, Personal(kept=False)] = None
    address: Address
