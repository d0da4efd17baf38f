"""Payment links: pages at the provider that anybody with the address can pay on."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.base import Frozen, Text, Token
from schemas.envelope import UtcTime
from schemas.money import Price
from schemas.payments.actions import Url
from schemas.payments.resources.cards import Email
from schemas.payments.resources.orders import ResourceOrder
from schemas.personal import Personal


class CreateLink(ResourceOrder):
    """Make a link: for a product that several may buy, or to collect a sum from one payer."""

    type: ClassVar[str] = "payments.create_link.v1"

    name: Text
    price: Price
    purpose: Literal["product", "collection"] = "product"
    most_instalments: Annotated[int, Field(ge=1, le=36)] = 1
    stock: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    payer_email: Annotated[Email | None, Personal()] = None
    expires_on: UtcTime | None = None
    """Until when it can be paid on."""
    language: Literal["tr", "en"] = "tr"


class DeleteLink(ResourceOrder):
    """Let nobody pay on a link any more."""

    type: ClassVar[str] = "payments.delete_link.v1"


class SendLink(ResourceOrder):
    """Let the provider send it to a payer."""

    type: ClassVar[str] = "payments.send_link.v1"

    to_phone: Annotated[Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$")] | None, Personal()] = None
    to_email: Annotated[Email | None, Personal()] = None


class LinkDetails(Frozen):
    """A link: the provider's own id of it, and its address where the provider told it."""

    link_reference: Token
    url: Url | None = None
