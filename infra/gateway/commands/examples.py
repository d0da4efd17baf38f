"""A body of each command, as the contract shows it."""

from typing import Any, Final

from infra.gateway.commands.example_buyer import ADDRESS, BUYER
from infra.gateway.commands.resource_examples import RESOURCE_EXAMPLES

_PAYMENT: Final = "01936f5e-8a3c-7d21-9b55-2f0c1d3e4a5b"
_PRICE: Final = {"minor": 24990, "currency": "TRY"}

_CREATION: Final[dict[str, Any]] = {
    "payment_id": _PAYMENT,
    "integration_id": "iyzico-sandbox",
    "order_id": "order-1001",
    "method": {"kind": "stored_card", "card_token": "card-akbank-credit", "customer_key": "sandbox-wallet"},
    "price": _PRICE,
    "paid_price": _PRICE,
    "buyer": BUYER,
    "billing_address": ADDRESS,
    "shipping_address": ADDRESS,
    "basket": [{"line_id": "1", "name": "Kupa", "category": "Mutfak", "goods": "physical", "price": _PRICE}],
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "payments.create.v1": _CREATION,
    "payments.start_three_d_secure.v1": {
        **_CREATION,
        "return_url": f"https://hub.example/v1/payments/{_PAYMENT}/return?r=ticket",
    },
    "payments.complete_three_d_secure.v1": {
        "payment_id": _PAYMENT,
        "returned": [{"name": "status", "value": "success"}, {"name": "mdStatus", "value": "1"}],
    },
    "payments.approve_line.v1": {"payment_id": _PAYMENT, "line_id": "1"},
    "payments.transfer_share.v1": {
        "payment_id": _PAYMENT,
        "amount": {"minor": 20000, "currency": "TRY"},
        "recipient_name": "Gökçe Seramik",
        "recipient_iban": "TR330006100519786457841326",
    },
    "payments.capture.v1": {"payment_id": _PAYMENT},
    "payments.reauthorize_payment.v1": {"payment_id": _PAYMENT},
    "payments.cancel.v1": {"payment_id": _PAYMENT, "reason": "the buyer changed her mind"},
    "payments.refund.v1": {"payment_id": _PAYMENT, "amount": {"minor": 5000, "currency": "TRY"}},
    "payments.query.v1": {"payment_id": _PAYMENT},
    "payments.resolve_outcome.v1": {
        "payment_id": _PAYMENT,
        "of_command_id": "01936f5e-9d10-7c42-8a61-5b7e2f9c0d13",
        "verdict": "accepted",
        "provider_reference": "22416032",
        "evidence": "seen in the provider's panel",
        "by": "Işıl Çağrı",
    },
    **RESOURCE_EXAMPLES,
}
