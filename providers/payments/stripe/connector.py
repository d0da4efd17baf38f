"""Stripe, payments by card and subscriptions. Its documents, quirks and residual risks: README.md beside this file."""

from typing import Final

from providers.connector import Connector, HealthProbe, RateLimit, ReferenceFormat
from providers.payments.stripe.disputes import READS
from providers.payments.stripe.health import read_health
from providers.payments.stripe.operations import OPERATIONS
from providers.payments.stripe.page import LIFE_S
from providers.payments.stripe.signing import sign, verify
from providers.payments.stripe.webhook import WEBHOOKS
from providers.payments.stripe.wire import VERSION, frame, get

_PER_ENDPOINT: Final = RateLimit(25, 1)

CONNECTOR = Connector(
    name="stripe",
    kind="payment",
    version=VERSION,
    # One address; the key says whether money or a test is meant.
    base_urls={"production": "https://api.stripe.com", "sandbox": "https://api.stripe.com"},
    credentials=("secret_key", "webhook_secret"),
    sign=sign,
    signs_body=False,
    verify=verify,
    frame=frame,
    operations=OPERATIONS,
    reads=READS,
    webhooks=WEBHOOKS,
    probe=HealthProbe(get("/v1/balance", "/v1/balance"), read_health),
    reference=ReferenceFormat("alphanumeric", 64),
    rate_limits={endpoint.name: _PER_ENDPOINT for endpoint in (*OPERATIONS, *READS)},
    methods=("provider_token", "stored_card", "hosted_page"),
    page_life_s=LIFE_S,
    personal=frozenset(
        {
            "address",
            "billing_details",
            "customer",
            "customer_address",
            "customer_details",
            "customer_email",
            "customer_name",
            "customer_phone",
            "customer_shipping",
            "customer_tax_ids",
            "description",
            "email",
            "evidence",
            "name",
            "phone",
            "receipt_email",
            "shipping",
        }
    ),
    secret=frozenset(
        {
            "cancel_url",
            "client_secret",
            "confirmation_token",
            "cvc",
            "default_payment_method",
            "exp_month",
            "exp_year",
            "fingerprint",
            "hosted_invoice_url",
            "invoice_pdf",
            "number",
            "payment_method",
            "receipt_url",
            "return_url",
            "secret",
            "stripe_js",
            "success_url",
            "url",
        }
    ),
)
