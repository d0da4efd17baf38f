"""What a provider's own books say: transactions, payouts, balances. A long answer comes in pages."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.base import Frozen, Token
from schemas.envelope import UtcTime
from schemas.money import Money, Price
from schemas.payments.look_ups import Bin
from schemas.payments.resources.orders import Question


class ListTransactions(Question):
    """The movements that a provider counts to one of its days, in its own time zone; one page of them."""

    type: ClassVar[str] = "payments.list_transactions.v1"

    day: date
    cursor: Token | None = None
    """`next_cursor` of the page before; absent for the first page."""


class ListPayouts(Question):
    """What a provider paid out on one of its days, and what came back."""

    type: ClassVar[str] = "payments.list_payouts.v1"

    day: date
    cursor: Token | None = None


class GetBalance(Question):
    """How much of our money lies at the provider."""

    type: ClassVar[str] = "payments.get_balance.v1"


class GetInstalments(Question):
    """What a price costs in instalments. The answer may be one that was kept for some minutes."""

    type: ClassVar[str] = "payments.get_instalments.v1"

    price: Price
    bin_number: Bin | None = None


class LookUpCard(Question):
    """Whose card the first digits name. The answer may be one that was kept for a day."""

    type: ClassVar[str] = "payments.look_up_card.v1"

    bin_number: Bin


class Transaction(Frozen):
    """One movement in a provider's books. Amounts are above zero; `kind` says which way they went."""

    kind: Literal["payment", "refund", "cancel", "chargeback", "fee", "transfer", "other"]
    transaction_reference: Token
    """The provider's own id of the movement."""
    payment_reference: Token | None = None
    """The provider's own id of the payment."""
    our_reference: Token | None = None
    """What we sent with it."""
    at: UtcTime | None = None
    amount: Money
    price: Money | None = None
    """Of the basket, where the provider tells it beside what was paid."""
    fee: Money | None = None
    """All that the provider keeps of it."""
    net: Money | None = None
    """What it pays out for it."""
    instalments: Annotated[int, Field(ge=0)] | None = None
    state: str | None = None
    """The provider's word."""


class TransactionPage(Frozen):
    """One page of a day's movements, in the provider's order."""

    day: date
    transactions: tuple[Transaction, ...] = ()
    next_cursor: Token | None = None
    """Absent on the last page."""


class Payout(Frozen):
    """Money that went to a bank account, or came back from there. Amounts are above zero."""

    kind: Literal["paid_out", "returned"]
    payout_reference: Token | None = None
    payment_reference: Token | None = None
    """The provider's own id of the payment or basket line that it is for, where it is for one."""
    amount: Money | None = None
    merchant_key: Token | None = None
    """The sub-merchant; absent for the merchant's own money."""
    at: UtcTime | None = None
    state: str | None = None


class PayoutPage(Frozen):
    """One page of a day's payouts."""

    day: date
    payouts: tuple[Payout, ...] = ()
    next_cursor: Token | None = None


class Balance(Frozen):
    """By currency: what can be paid out now, and what cannot yet."""

    available: tuple[Money, ...] = ()
    pending: tuple[Money, ...] = ()
