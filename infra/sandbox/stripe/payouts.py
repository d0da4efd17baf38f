"""Payouts: what is available goes to the account's bank, and arrives there two days later.

Source: docs.stripe.com: API reference, Payouts.
"""

from typing import Final

from infra.sandbox.stripe.amounts import read_amount, read_currency
from infra.sandbox.stripe.balances import sums_of
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.money import move
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "payout"
_DAY_S: Final = 24 * 3600
_DAYS: Final = 2


def create(call: Call) -> Document:
    currency = read_currency(call.fields)
    amount = read_amount(call.fields, "amount", currency)
    if amount > sums_of(call.shelf, "available").get(currency, 0):
        message = "You have insufficient funds in your Stripe account for this transfer."
        raise Refused(message, code="balance_insufficient", param="amount")
    return paid_out(call, amount, currency, automatic=False, metadata=call.fields.metadata())


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "id")


def list_payouts(call: Call) -> Document:
    return listed(call, KIND, read_page(call, "created", "arrival_date"), status=call.fields.optional("status"))


def paid_out(call: Call, amount: int, currency: str, *, automatic: bool, metadata: dict[str, str]) -> Document:
    shelf = call.shelf
    identifier = new_id("po_1")
    moved = move(shelf, "payout", -amount, currency, identifier)
    payout = shelf.add(
        {
            "id": identifier,
            "object": KIND,
            "amount": amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": (shelf.now_s // _DAY_S + _DAYS) * _DAY_S,
            "automatic": automatic,
            "balance_transaction": moved["id"],
            "created": shelf.now_s,
            "currency": currency,
            "description": None,
            "destination": new_id("ba_1"),
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": metadata,
            "method": "standard",
            "original_payout": None,
            "reconciliation_status": "completed" if automatic else "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": "in_transit",
            "trace_id": None,
            "type": "bank_account",
        }
    )
    shelf.falls_due("arrives", identifier, payout["arrival_date"] - shelf.now_s)
    tell(call, "payout.created", payout)
    return payout


def all_paid_out(call: Call) -> list[Document]:
    """All that is available, as an account's daily payout does."""
    sums = sums_of(call.shelf, "available")
    return [paid_out(call, sums[name], name, automatic=True, metadata={}) for name in sorted(sums) if sums[name] > 0]


def arrive(call: Call, identifier: str) -> None:
    payout = call.shelf.known(KIND, identifier)
    if payout["status"] == "in_transit":
        payout = call.shelf.save(payout | {"status": "paid"})
        tell(call, "payout.paid", payout)


def come_back(call: Call, identifier: str) -> Document:
    """The bank does not take it, or gives it back; even after it was told as paid.

    Raises:
        ValueError: it came back before.
    """
    payout = call.shelf.known(KIND, identifier)
    if payout["status"] == "failed":
        raise ValueError("it came back before")
    moved = move(
        call.shelf,
        "payout_failure",
        payout["amount"],
        payout["currency"],
        identifier,
        at_once=True,
    )
    failed = {"status": "failed", "failure_code": "account_closed", "failure_balance_transaction": moved["id"]}
    payout = call.shelf.save(payout | failed)
    tell(call, "payout.failed", payout)
    return payout
