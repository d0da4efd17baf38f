"""PayPal: orders, the vault, subscriptions, reports. Its documents, quirks and residual risks: README.md here."""

from typing import Final

from providers.connector import Connector, HealthProbe, ReferenceFormat
from providers.payments.paypal import disputes, look_ups
from providers.payments.paypal.health import read_health
from providers.payments.paypal.operations_payment import PAYMENT_OPERATIONS
from providers.payments.paypal.operations_resource import RESOURCE_OPERATIONS
from providers.payments.paypal.returned import read_return
from providers.payments.paypal.settings import PaypalSettings
from providers.payments.paypal.signing import TOKEN, sign, verify
from providers.payments.paypal.webhook import WEBHOOKS
from providers.payments.paypal.wire import get

_PERSONAL: Final = frozenset(
    {
        "buyer",
        "communication_details",
        "email_address",
        "evidences",
        "full_name",
        "given_name",
        "messages",
        "note_to_payer",
        "payer",
        "payer_info",
        "payment_source",
        "phone",
        "shipping",
        "subscriber",
        "surname",
        "transaction_note",
        "transaction_subject",
    }
)
_SECRET: Final = frozenset(
    {
        "access_token",
        "client_secret",
        "customer",
        "expiry",
        "href",
        "nonce",
        "number",
        "payment_tokens",
        "security_code",
        "vault",
        "vault_id",
    }
)

CONNECTOR = Connector(
    name="paypal",
    kind="payment",
    version="orders 2, payments 2, vault 3",
    base_urls={"production": "https://api-m.paypal.com", "sandbox": "https://api-m.sandbox.paypal.com"},
    credentials=("client_id", "client_secret", "webhook_id"),
    sign=sign,
    signs_body=False,
    verify=verify,
    token=TOKEN,
    operations=(*PAYMENT_OPERATIONS, *RESOURCE_OPERATIONS),
    reads=(*look_ups.READS, *disputes.READS),
    settings=PaypalSettings,
    webhooks=WEBHOOKS,
    returns=read_return,
    probe=HealthProbe(get("/v1/notifications/webhooks"), read_health),
    reference=ReferenceFormat("alphanumeric", 64),
    methods=("wallet", "hosted_page", "stored_card", "card_ref"),
    personal=_PERSONAL,
    secret=_SECRET,
)
