"""Orders about a payment. Each is keyed by `payment_id`; its `command_id` is the record's `ce_id`."""

from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.base import Text, Token
from schemas.money import OneCurrency, Price, Share
from schemas.payments.basket import BasketLine
from schemas.payments.methods import PaymentMethod
from schemas.payments.open_outcomes import Person
from schemas.payments.order import PaymentOrder
from schemas.payments.parties import Address, Buyer
from schemas.routing import CardProgramme


class CreatePayment(PaymentOrder, OneCurrency, extra="forbid"):  # of two bases the last would decide on extra
    """Take a payment, or hold it until a capture.

    `price` is the basket's total; `paid_price` what is taken from the payer:
    `price` - `discount` + `shipping` + `instalment_surcharge`. None of the parts is folded into another.
    """

    type: ClassVar[str] = "payments.create.v1"

    order_id: Token
    owner: Token | None = None
    """For which seller or store; an owner that is mapped to integrations is served by those alone."""
    capture: Literal["auto", "manual"] = "auto"
    method: PaymentMethod
    card_programme: CardProgramme | None = None
    """The card's programme where the publisher knows it, for routing rules: `bonus`, `world`, `maximum`, `axess`, …"""
    price: Price
    paid_price: Price
    shipping: Share | None = None
    instalment_surcharge: Share | None = None
    discount: Share | None = None
    instalments: Annotated[int, Field(ge=1, le=36)] = 1
    store_card: bool = False
    """Let the provider keep the card for this buyer; the result names it in `stored_card`."""
    customer_key: Token | None = None
    """The buyer's key at the provider, under which the card is to be kept; absent for a buyer it does not know."""
    without_payer: bool = False
    """The payer is not there: a renewal with a stored card, as the payer agreed to. No bank can ask anything."""
    buyer: Buyer
    billing_address: Address
    shipping_address: Address | None = None
    basket: Annotated[tuple[BasketLine, ...], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(line.price.minor for line in self.basket)
        if total != self.price.minor:
            raise ValueError(
                f"basket adds up to {total} minor units, price says {self.price.minor}; make the lines equal the price"
            )
        parts = [(self.shipping, 1), (self.instalment_surcharge, 1), (self.discount, -1)]
        paid = self.price.minor + sum(sign * part.minor for part, sign in parts if part is not None)
        if paid != self.paid_price.minor:
            raise ValueError(
                f"paid_price is {self.paid_price.minor}, price - discount + shipping + instalment_surcharge is {paid}"
            )
        if len({line.line_id for line in self.basket}) != len(self.basket):
            raise ValueError("basket has two lines with one line_id; give each line its own")
        if self.shipping_address is None and any(line.goods == "physical" for line in self.basket):
            raise ValueError("shipping_address is needed, since the basket has physical goods")
        return self


class CapturePayment(PaymentOrder):
    """Take what was held: `amount`, or all that is still held."""

    type: ClassVar[str] = "payments.capture.v1"

    amount: Price | None = None


class ReauthorizePayment(PaymentOrder):
    """Renew a hold that would lapse, for all that is held. It moves no money, and no total changes by it."""

    type: ClassVar[str] = "payments.reauthorize_payment.v1"


class CancelPayment(PaymentOrder):
    """Lift the hold, or give back all that was taken and not refunded yet."""

    type: ClassVar[str] = "payments.cancel.v1"

    reason: Text | None = None


class RefundPayment(PaymentOrder):
    """Give money back: `amount`, or all that is left; of one basket line when `line_id` is given."""

    type: ClassVar[str] = "payments.refund.v1"

    amount: Price | None = None
    line_id: Token | None = None
    reason: Text | None = None


class QueryPayment(PaymentOrder):
    """Ask the provider how the payment stands."""

    type: ClassVar[str] = "payments.query.v1"


class ResolveOutcome(PaymentOrder):
    """A person's word on what became of a command that ended as `unknown`. Nothing is sent to a provider.

    Above the amount that one person may settle, the first of these is a proposal, and a second one with the same
    verdict and reference, with `approves` and from another person, settles it.
    """

    type: ClassVar[str] = "payments.resolve_outcome.v1"

    of_command_id: UUID
    verdict: Literal["accepted", "refused"]
    """Whether the provider performed it."""
    provider_reference: Token | None = None
    """The provider's own id of the payment; needed for a creation that was performed."""
    amount: Price | None = None
    """To be sure that the same is meant: another amount than was asked for is refused. Needed where the hub does not
    know it any more, as after a loss of the command."""
    capture: Literal["auto", "manual"] | None = None
    """Of a creation: whether it was taken or held. Needed where the hub does not know it any more."""
    evidence: Text
    by: Person
    approves: bool = False
