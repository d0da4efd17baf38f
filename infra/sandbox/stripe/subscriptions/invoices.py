"""Bills of subscriptions, and their payment.

Source: docs.stripe.com: API reference, Invoices; Invoice payments; How subscriptions work.
"""

from typing import Any, Final

from infra.sandbox.stripe import intents, methods
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.confirming import Confirmation, confirm
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "invoice"
_NO_METHOD: Final = "This customer has no default payment method; add one, or send it with the request."


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "invoice")


def list_invoices(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("customer", "status")}
    return listed(call, KIND, read_page(call, "created"), **about)


def new_invoice(call: Call, subscription: Document, amount: int, reason: str) -> Document:
    """An open bill over the period that has begun."""
    shelf = call.shelf
    item = subscription["items"]["data"][0]
    identifier = new_id("in_1")
    invoice: Document = {
        "id": identifier,
        "object": KIND,
        "account_country": "US",
        "account_name": "Kolaj sandbox",
        "account_tax_ids": None,
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": amount,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": subscription["collection_method"],
        "created": shelf.now_s,
        "currency": subscription["currency"],
        "custom_fields": None,
        "customer": subscription["customer"],
        "customer_tax_exempt": "none",
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": shelf.now_s,
        "ending_balance": 0,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "issuer": {"account": None, "type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": _lines(subscription, identifier, amount),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": f"KOLAJ-{identifier[-8:]}",
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": subscription["metadata"],
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "payments": {"object": "list", "data": [], "has_more": False, "url": "/v1/invoice_payments"},
        "period_end": item["current_period_start"],
        "period_start": item["current_period_start"],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "open",
        "status_transitions": {
            "finalized_at": shelf.now_s,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "test_clock": None,
        "total": amount,
        "total_discount_amounts": [],
        "total_excluding_tax": amount,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": shelf.now_s,
    }
    shelf.add(invoice)
    tell(call, "invoice.created", invoice)
    tell(call, "invoice.finalized", invoice)
    return invoice if amount else _settled(call, invoice, None)


def method_for(call: Call, subscription: Document) -> Document:
    """The card that bills are paid with: the subscription's own, else the customer's.

    Raises:
        Refused: there is none.
    """
    customer = call.shelf.known("customer", subscription["customer"])
    wanted = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    if wanted is None:
        raise Refused(_NO_METHOD, code="resource_missing")
    return call.shelf.known(methods.KIND, wanted)


def attempt(call: Call, invoice: Document, method: Document, *, off_session: bool) -> Document | Refused:
    """Pay it with a card: the bill paid, or the decline; a payer who has to be asked leaves it open."""
    payment = _payment_of(call, invoice)
    how = Confirmation(off_session=off_session)
    paid = confirm(call, payment, method, how)
    tried = {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    invoice = call.shelf.save(_with_payment(invoice, payment["id"], "open") | tried)
    if not isinstance(paid, Refused) and paid["status"] == "succeeded":
        return _settled(call, invoice, payment["id"])
    tell(call, "invoice.payment_failed", invoice)
    if isinstance(paid, Refused):
        return paid
    tell(call, "invoice.payment_action_required", invoice)
    return invoice


def prepare(call: Call, invoice: Document) -> Document:
    """An intent for the buyer to pay it with, which nobody has confirmed."""
    payment = _payment_of(call, invoice)
    return call.shelf.save(_with_payment(invoice, payment["id"], "open"))


def withdraw(call: Call, invoice: Document) -> Document:
    transitions = invoice["status_transitions"] | {"voided_at": call.shelf.now_s}
    invoice = call.shelf.save(invoice | {"status": "void", "status_transitions": transitions})
    tell(call, "invoice.voided", invoice)
    return invoice


def paid_by_intent(call: Call, intent: Document) -> Document | None:
    """The bill that an intent was for, once the intent is paid; `None` where there is none to settle."""
    invoice = call.shelf.find(str(intent.get("_invoice")), KIND)
    if invoice is None or invoice["status"] != "open" or intent.get("status") != "succeeded":
        return None
    return _settled(call, invoice, intent["id"])


def _settled(call: Call, invoice: Document, payment: str | None) -> Document:
    transitions = invoice["status_transitions"] | {"paid_at": call.shelf.now_s}
    invoice = invoice if payment is None else _with_payment(invoice, payment, "paid")
    paid = {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0, "attempted": True}
    invoice = call.shelf.save(invoice | paid | {"status_transitions": transitions, "next_payment_attempt": None})
    tell(call, "invoice.paid", invoice)
    tell(call, "invoice.payment_succeeded", invoice)
    return invoice


def _payment_of(call: Call, invoice: Document) -> Document:
    """The bill's intent: the one that was tried before, or a new one."""
    listed_payments = invoice["payments"]["data"]
    if listed_payments:
        return call.shelf.known("payment_intent", listed_payments[0]["payment"]["payment_intent"])
    intent = intents.new_intent(
        call,
        invoice["amount_due"],
        invoice["currency"],
        customer=invoice["customer"],
        capture_method="automatic",
        setup_future_usage="off_session",
        description="Subscription creation" if invoice["billing_reason"] == "subscription_create" else None,
    )
    return call.shelf.save(intent | {"_invoice": invoice["id"]})


def _with_payment(invoice: Document, intent: str, status: str) -> Document:
    known = next(iter(invoice["payments"]["data"]), None)
    paid_s = invoice["created"] if status == "paid" else None
    payment = {
        "id": known["id"] if known else new_id("inpay_1"),
        "object": "invoice_payment",
        "amount_paid": invoice["amount_due"] if status == "paid" else None,
        "amount_requested": invoice["amount_due"],
        "created": invoice["created"],
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"charge": None, "payment_intent": intent, "payment_record": None, "type": "payment_intent"},
        "status": status,
        "status_transitions": {"canceled_at": None, "paid_at": paid_s},
    }
    return invoice | {"payments": invoice["payments"] | {"data": [payment]}}


def _lines(subscription: Document, invoice: str, amount: int) -> dict[str, Any]:
    item = subscription["items"]["data"][0]
    line = {
        "id": new_id("il_1"),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": subscription["metadata"],
        "parent": None,
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "type": "price_details",
            "unit_amount_decimal": item["price"]["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
    }
    return {"object": "list", "data": [line], "has_more": False, "url": f"/v1/invoices/{invoice}/lines"}
