"""The account's own movements: every payment, fee, refund, dispute and payout as a balance transaction.

Amounts stay in the currency of the payment: the account has a balance in each.
Source: docs.stripe.com: API reference, Balance transactions; Reporting categories.
"""

from typing import Any, Final

from infra.sandbox.stripe.amounts import WHOLE
from infra.sandbox.stripe.shelf import Document, Shelf, new_id

_AVAILABLE_AFTER_S: Final = 2 * 24 * 3600
_FEE_PER_THOUSAND: Final = 29
_FIXED_FEE: Final = 30


def fee_of(amount: int, currency: str) -> int:
    """2.9 % and thirty hundredths, or nothing fixed in currencies that have none."""
    return (amount * _FEE_PER_THOUSAND + 500) // 1000 + (0 if currency in WHOLE else _FIXED_FEE)


def move(
    shelf: Shelf,
    kind: str,
    amount: int,
    currency: str,
    source: str,
    *,
    category: str | None = None,
    fee: int = 0,
    at_once: bool = False,
) -> Document:
    """Book a movement; what comes in is available two days later."""
    details: list[dict[str, Any]] = []
    if fee:
        told = {"amount": fee, "application": None, "currency": currency}
        details = [{**told, "description": "Stripe processing fees", "type": "stripe_fee"}]
    at_once = at_once or amount < 0
    transaction = shelf.add(
        {
            "id": new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": shelf.now_s if at_once else shelf.now_s + _AVAILABLE_AFTER_S,
            "balance_type": "payments",
            "created": shelf.now_s,
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details,
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source,
            "status": "available" if at_once else "pending",
            "type": kind,
        }
    )
    if not at_once:
        shelf.falls_due("available", transaction["id"], _AVAILABLE_AFTER_S)
    return transaction


def become_available(shelf: Shelf, identifier: str) -> None:
    transaction = shelf.known("balance_transaction", identifier)
    shelf.save(transaction | {"status": "available"})
