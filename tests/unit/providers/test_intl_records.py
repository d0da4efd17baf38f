"""What records show of the objects of Stripe and PayPal in which persons, their cards and keys to pages stand."""

import json
from typing import Any, Final

import pytest

from providers.connector import Connector
from providers.payments.paypal import CONNECTOR as PAYPAL
from providers.payments.stripe import CONNECTOR as STRIPE
from providers.scrub import Scrubber

HIDDEN: Final = "not-for-records"
LINES: Final = {"line1": HIDDEN, "city": HIDDEN}
INVOICE: Final = {
    "customer": HIDDEN,
    "customer_name": HIDDEN,
    "customer_email": HIDDEN,
    "customer_phone": HIDDEN,
    "customer_address": LINES,
    "customer_shipping": {"name": HIDDEN, "address": LINES},
    "customer_tax_ids": [{"value": HIDDEN}],
    "hosted_invoice_url": HIDDEN,
    "invoice_pdf": HIDDEN,
    "default_payment_method": HIDDEN,
}
CUSTOMER: Final = {
    "address": LINES,
    "email": HIDDEN,
    "name": HIDDEN,
    "phone": HIDDEN,
    "shipping": {"name": HIDDEN},
    "invoice_settings": {"default_payment_method": {"id": HIDDEN, "billing_details": {"name": HIDDEN}}},
}
INTENT: Final = {
    "client_secret": HIDDEN,
    "payment_method": HIDDEN,
    "next_action": {"use_stripe_sdk": {"stripe_js": HIDDEN}, "redirect_to_url": {"url": HIDDEN, "return_url": HIDDEN}},
    "latest_charge": {"receipt_url": HIDDEN, "receipt_email": HIDDEN, "billing_details": {"name": HIDDEN}},
}
DISPUTE: Final = {"evidence": {"customer_name": HIDDEN, "customer_purchase_ip": HIDDEN, "shipping_address": HIDDEN}}
CASE: Final = {
    "disputed_transactions": [{"buyer": {"name": HIDDEN, "email": HIDDEN}}],
    "messages": [{"posted_by": "BUYER", "content": HIDDEN}],
    "evidences": [{"notes": HIDDEN}],
    "communication_details": {"email": HIDDEN, "note": HIDDEN},
}
REPORT: Final = {
    "transaction_details": [{"transaction_info": {"transaction_note": HIDDEN, "transaction_subject": HIDDEN}}]
}


@pytest.mark.parametrize(
    ("connector", "answer"),
    [(STRIPE, INVOICE), (STRIPE, CUSTOMER), (STRIPE, INTENT), (STRIPE, DISPUTE), (PAYPAL, CASE), (PAYPAL, REPORT)],
    ids=["invoice", "customer", "intent", "dispute", "case", "report"],
)
def test_records_show_no_person_and_no_key_to_a_page(connector: Connector, answer: dict[str, Any]) -> None:
    text = Scrubber.of(connector, {}, ()).scrub(json.dumps({"id": "shown", **answer}).encode())
    assert "shown" in text
    assert HIDDEN not in text


def test_a_token_that_a_form_has_inside_brackets_is_hidden() -> None:
    form = f"invoice_settings[default_payment_method]={HIDDEN}&payment_method={HIDDEN}&amount=1099"
    assert Scrubber.of(STRIPE, {}, ()).scrub(form.encode()) == (
        "invoice_settings[default_payment_method]=***&payment_method=***&amount=1099"
    )
