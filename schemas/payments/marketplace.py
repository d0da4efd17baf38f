"""What a marketplace orders about the shares of its sub-merchants in a payment."""

from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from schemas.base import Text, Token
from schemas.money import Price
from schemas.payments.accounts import Iban
from schemas.payments.order import PaymentOrder
from schemas.personal import Personal


class ApproveLine(PaymentOrder):
    """Let the sub-merchant of a basket line have its share, or take that back while it was not paid out."""

    type: ClassVar[str] = "payments.approve_line.v1"

    line_id: Token
    withdraw: bool = False


class TransferShare(PaymentOrder):
    """Pay a part of a payment out to a sub-merchant's bank account, at providers that leave the split to the shop."""

    type: ClassVar[str] = "payments.transfer_share.v1"

    amount: Price
    of_amount: Price | None = None
    """What of the payment it is the share of. What is above `amount` stays the merchant's, and the provider takes its
    commission of that; absent: `amount`, so that nothing is left for either."""
    recipient_name: Annotated[Text, Personal()]
    recipient_iban: Annotated[Iban, Personal()]

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        whole = self.of_amount
        if whole is not None and (whole.currency != self.amount.currency or whole.minor < self.amount.minor):
            raise ValueError("of_amount is what amount is a share of: not below it, and in the same currency")
        return self
