"""Stripe, payments, begun: it is heard and asked. Its documents and quirks: README.md beside this file."""

from typing import Final

from providers.connector import Connector, HealthProbe, Operation, RateLimit, ReferenceFormat
from providers.payments.stripe import query
from providers.payments.stripe.health import read_health
from providers.payments.stripe.signing import sign, verify
from providers.payments.stripe.webhook import WEBHOOKS
from providers.payments.stripe.wire import VERSION, IntentReply, get
from schemas.payments import QueryPayment

_QUERY: Final = Operation(
    name="query",
    command=QueryPayment,
    build=query.build_query,
    reply=IntentReply,
    read=query.read_query,
    deadline_s=20,
    moves_money=False,
)


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
    operations=(_QUERY,),
    webhooks=WEBHOOKS,
    probe=HealthProbe(get("/v1/balance", "/v1/balance"), read_health),
    reference=ReferenceFormat("alphanumeric", 64),
    rate_limits={"query": RateLimit(25, 1)},
    personal=frozenset(
        {
            "billing_details",
            "customer",
            "customer_details",
            "description",
            "email",
            "name",
            "phone",
            "receipt_email",
            "shipping",
        }
    ),
    secret=frozenset({"client_secret", "number", "cvc", "exp_month", "exp_year", "payment_method", "secret"}),
)
