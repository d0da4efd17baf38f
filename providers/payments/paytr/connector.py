"""PayTR, payments for Türkiye, begun: it is heard and asked. Its documents and quirks: README.md beside this file."""

from typing import Final

from providers.connector import Connector, HealthProbe, Operation, ReferenceFormat
from providers.payments.paytr import query
from providers.payments.paytr.health import PROBE, read_health
from providers.payments.paytr.signing import sign, sign_form, verify
from providers.payments.paytr.webhook import WEBHOOKS
from schemas.payments import QueryPayment

_QUERY: Final = Operation(
    name="query",
    command=QueryPayment,
    build=query.build_query,
    reply=query.StatusReply,
    read=query.read_query,
    deadline_s=20,
    moves_money=False,
)


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
    operations=(_QUERY,),
    webhooks=WEBHOOKS,
    probe=HealthProbe(PROBE, read_health),
    reference=ReferenceFormat("alphanumeric", 64),
    personal=frozenset({"email", "user_address", "user_ip", "user_name", "user_phone"}),
    secret=frozenset(
        {
            "card_number",
            "cc_owner",
            "ctoken",
            "cvv",
            "expiry_month",
            "expiry_year",
            "hash",
            "masked_pan",
            "merchant_key",
            "merchant_salt",
            "paytr_token",
            "utoken",
        }
    ),
)
