"""3-D Secure in two steps: the payer's bank is asked first, and what it said completes the payment."""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Frozen, NoNul
from schemas.payments.commands import CreatePayment
from schemas.payments.methods import ReturnUrl
from schemas.payments.order import PaymentOrder


class StartThreeDSecure(CreatePayment, extra="forbid"):
    """Begin a payment that the payer's bank has to let through: all of a creation, and where the payer comes back to.

    It ends as `pending` with a `next_action`; no money has moved. Where the bank asks nothing it ends as a creation.
    """

    type: ClassVar[str] = "payments.start_three_d_secure.v1"

    return_url: ReturnUrl


class ReturnedField(Frozen, extra="forbid"):
    """A field of what the payer's browser brought back from the bank, word for word."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
    value: Annotated[str, Field(max_length=20_000), NoNul]


class CompleteThreeDSecure(PaymentOrder):
    """The payer is back: take or hold the money as the start asked for, where the bank let it through.

    What was brought back proves nothing by itself: whoever publishes this has verified it, or leaves that to the
    provider. Exactly one completion of a payment can move money.
    """

    type: ClassVar[str] = "payments.complete_three_d_secure.v1"

    returned: Annotated[tuple[ReturnedField, ...], Field(max_length=100)] = ()

    def value_of(self, name: str) -> str | None:
        """The field's value; `None` where it is absent, or stands twice and readers would disagree."""
        values = [field.value for field in self.returned if field.name == name]
        return values[0] if len(values) == 1 else None
