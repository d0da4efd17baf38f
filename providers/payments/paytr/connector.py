"""PayTR, payments for Türkiye. Its documents, quirks and residual risks: README.md beside this file."""

from providers.connector import Connector, HealthProbe, ReferenceFormat
from providers.payments.paytr.health import PROBE, read_health
from providers.payments.paytr.hosted import TIMEOUT_MIN
from providers.payments.paytr.look_ups import READS
from providers.payments.paytr.operations import PAYMENTS, RESOURCES
from providers.payments.paytr.settings import PaytrSettings
from providers.payments.paytr.signing import sign, sign_form, verify
from providers.payments.paytr.webhook import WEBHOOKS

CONNECTOR = Connector(
    name="paytr",
    kind="payment",
    # One address for tests and for money: which of the two a payment is stands in each request.
    base_urls={"production": "https://www.paytr.com", "sandbox": "https://www.paytr.com"},
    credentials=("merchant_id", "merchant_key", "merchant_salt"),
    sign=sign,
    sign_form=sign_form,
    signs_body=False,
    verify=verify,
    operations=(*PAYMENTS, *RESOURCES),
    reads=READS,
    settings=PaytrSettings,
    webhooks=WEBHOOKS,
    page_life_s=TIMEOUT_MIN * 60.0,
    probe=HealthProbe(PROBE, read_health),
    # A transfer's number may have 60 letters and digits, an order's 64.
    reference=ReferenceFormat("alphanumeric", 60),
    methods=("card_ref", "stored_card", "hosted_page", "bank_transfer"),
    personal=frozenset(
        {
            "c_name",
            "cell_phone",
            "email",
            "merchant_iban",
            "merchant_name",
            "processed_result",
            "transfer",
            "transfer_iban",
            "transfer_name",
            "user_address",
            "user_basket",
            "user_ip",
            "user_name",
            "user_phone",
        }
    ),
    secret=frozenset(
        {
            "card_number",
            "cc_owner",
            "ctoken",
            "cvv",
            "expiry_month",
            "expiry_year",
            "hash",
            "kart_no",
            "masked_pan",
            "merchant_fail_url",
            "merchant_key",
            "merchant_ok_url",
            "merchant_salt",
            "month",
            "paytr_token",
            "token",
            "utoken",
            "year",
        }
    ),
)
