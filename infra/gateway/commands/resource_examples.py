"""A body of each command about a resource, as the contract shows it."""

from typing import Any, Final

_RESOURCE: Final = "01936f60-1b2c-7e44-8d02-6a1f9b3c5d7e"
_AT: Final = {"resource_id": _RESOURCE, "integration_id": "iyzico-sandbox"}
_PRICE: Final = {"minor": 24990, "currency": "TRY"}
_ADDRESS: Final = {
    "contact_name": "Işıl Çağrı",
    "line": "Bağdat Cad. 42/7, Kadıköy",
    "city": "İstanbul",
    "country": "Turkey",
}
_SUB_MERCHANT: Final = {
    **_AT,
    "legal_form": "company",
    "name": "Çağrı Kupa",
    "email": "kupa@example.com",
    "phone": "+905350000000",
    "address": "Bağdat Cad. 42/7, Kadıköy",
    "iban": "TR330006100519786457841326",
    "tax_office": "Kadıköy",
    "tax_number": "1234567890",
    "company_title": "Çağrı Kupa A.Ş.",
}

RESOURCE_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "payments.store_card.v1": {
        **_AT,
        "buyer_id": "buyer-7",
        "email": "isil@example.com",
        "card_ref": "01936f60-2c3d-7f55-9e13-7b2a0c4d6e8f",
        "alias": "my card",
    },
    "payments.delete_card.v1": {"resource_id": _RESOURCE},
    "payments.list_cards.v1": {**_AT, "customer_key": "sandbox-wallet"},
    "payments.create_product.v1": {**_AT, "name": "Coffee of the month"},
    "payments.create_plan.v1": {
        **_AT,
        "product_reference": "8f1a2b3c",
        "name": "Monthly",
        "price": _PRICE,
        "every": "month",
    },
    "payments.create_subscription.v1": {
        **_AT,
        "plan_reference": "9a2b3c4d",
        "return_url": "https://shop.example/subscribed",
        "buyer": {
            "buyer_id": "buyer-7",
            "name": "Işıl",
            "surname": "Çağrı",
            "email": "isil@example.com",
            "identity_number": "74300864791",
            "address": _ADDRESS,
        },
        "billing_address": _ADDRESS,
    },
    "payments.activate_subscription.v1": {"resource_id": _RESOURCE},
    "payments.upgrade_subscription.v1": {"resource_id": _RESOURCE, "plan_reference": "9a2b3c4e", "when": "next_period"},
    "payments.retry_subscription_charge.v1": {"resource_id": _RESOURCE, "order_reference": "5c6d7e8f"},
    "payments.cancel_subscription.v1": {"resource_id": _RESOURCE},
    "payments.change_subscription_card.v1": {
        "resource_id": _RESOURCE,
        "customer_reference": "7b8c9d0e",
        "return_url": "https://shop.example/card-changed",
    },
    "payments.query_subscription.v1": {"resource_id": _RESOURCE},
    "payments.register_sub_merchant.v1": _SUB_MERCHANT,
    "payments.update_sub_merchant.v1": _SUB_MERCHANT,
    "payments.query_sub_merchant.v1": {"resource_id": _RESOURCE},
    "payments.create_link.v1": {**_AT, "name": "Kupa", "price": _PRICE},
    "payments.delete_link.v1": {"resource_id": _RESOURCE},
    "payments.send_link.v1": {"resource_id": _RESOURCE, "to_email": "isil@example.com"},
    "payments.list_transactions.v1": {**_AT, "day": "2026-11-25"},
    "payments.list_payouts.v1": {**_AT, "day": "2026-11-25"},
    "payments.get_balance.v1": _AT,
    "payments.get_instalments.v1": {**_AT, "price": _PRICE},
    "payments.look_up_card.v1": {**_AT, "bin_number": "552608"},
}
