"""A valid command of every kind about a resource, and the resource as the ledger knows it when the command comes."""

import json
from typing import Any, Final
from uuid import UUID

from schemas.payments.resources import (
    RESOURCE_COMMANDS,
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreateLink,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    DeleteLink,
    GetBalance,
    GetInstalments,
    ListCards,
    ListPayouts,
    ListTransactions,
    LookUpCard,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    Resource,
    ResourceOrder,
    RetrySubscriptionCharge,
    SendLink,
    StoreCard,
    TakeResourceNotice,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from tests import builders

RESOURCE_ID = UUID("019abc00-0000-7000-8000-000000000003")
CARD_REF = UUID("019abc00-0000-7000-8000-000000000001")
REFERENCE = "91ea71d2-3951-4c89-9ec5-b814fccfe729"
"""The provider's own id of the resource."""

_PRICE: Final = {"minor": 1250, "currency": "TRY"}
_SUB_MERCHANT: Final[dict[str, Any]] = {
    "legal_form": "person",
    "name": "Işıl'ın dükkânı",
    "email": "isil@example.com",
    "phone": "+905350000000",
    "address": "Bağdat Cad. 42/7, Kadıköy",
    "iban": "TR330006100519786457841326",
    "contact_name": "Işıl",
    "contact_surname": "Çağrı",
    "identity_number": "74300864791",
}
_SAID: Final[dict[type[ResourceOrder], dict[str, Any]]] = {
    StoreCard: {
        "buyer_id": "buyer-7",
        "email": "isil@example.com",
        "card_ref": str(CARD_REF),
        "customer_key": "cust-Zq8",
    },
    DeleteCard: {"card_token": "tok-Zq7", "customer_key": "cust-Zq8"},
    ListCards: {"customer_key": "cust-Zq8"},
    CreateProduct: {"name": "Kahve paketi"},
    CreatePlan: {"product_reference": "prod-1", "name": "Aylık", "price": _PRICE, "every": "month"},
    CreateSubscription: {
        "plan_reference": "plan-1",
        "buyer": builders.a_buyer().model_dump(mode="json"),
        "billing_address": builders.an_address().model_dump(mode="json"),
        "customer_reference": "cust-1",
    },
    ActivateSubscription: {},
    UpgradeSubscription: {"plan_reference": "plan-2"},
    RetrySubscriptionCharge: {"order_reference": "order-1"},
    CancelSubscription: {},
    ChangeSubscriptionCard: {"return_url": "https://shop.example/back", "customer_reference": "cust-1"},
    QuerySubscription: {},
    TakeResourceNotice: {},
    RegisterSubMerchant: _SUB_MERCHANT,
    UpdateSubMerchant: _SUB_MERCHANT,
    QuerySubMerchant: {},
    CreateLink: {"name": "Seramik kupa", "price": _PRICE},
    DeleteLink: {},
    SendLink: {"to_email": "isil@example.com"},
    ListTransactions: {"day": "2026-11-25"},
    ListPayouts: {"day": "2026-11-25"},
    GetBalance: {},
    GetInstalments: {"price": _PRICE},
    LookUpCard: {"bin_number": "55260800"},
}
_BEGINS: Final = (StoreCard, CreateProduct, CreatePlan, CreateSubscription, RegisterSubMerchant, CreateLink)
"""Commands whose resource is not there yet."""


def a_resource_order(kind: type[ResourceOrder], **changed: Any) -> ResourceOrder:
    """A valid command of one kind; `changed` as it stands in a record's JSON."""
    return kind.model_validate_json(json.dumps({"resource_id": str(RESOURCE_ID), **_SAID[kind], **changed}))


def a_resource(of: type[ResourceOrder], **changed: Any) -> Resource:
    """The resource that a command of one kind is about; `changed` as it stands in JSON."""
    known: dict[str, Any] = {"resource_id": str(RESOURCE_ID)}
    if of.moves and of not in _BEGINS:
        known |= {"stage": "active", "provider_reference": REFERENCE}
        known |= {"customer_reference": "cust-1", "item_reference": "item-1"}
    if of in {QuerySubscription, QuerySubMerchant, TakeResourceNotice}:
        known |= {"stage": "active", "provider_reference": REFERENCE}
    return Resource.model_validate_json(json.dumps(known | changed))


assert set(_SAID) == set(RESOURCE_COMMANDS), "a new command about a resource: say here what a valid one is"
