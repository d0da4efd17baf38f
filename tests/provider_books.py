"""Entries of the iyzico sandbox's books, as they would be without a test's changes."""

from typing import Any

from infra.sandbox.iyzico import BookedPayment, BookedReversal


def reversal(reference: str = "r1", amount: int = 500) -> BookedReversal:
    return BookedReversal("71001", "refund", reference, amount, 2, ())


def booked(**changed: Any) -> BookedPayment:
    given: dict[str, Any] = {
        "payment_id": "22400001",
        "conversation_id": "c1",
        "basket_id": "order-1001",
        "kind": "auth",
        "currency": "TRY",
        "price_minor": 1250,
        "paid_minor": 1250,
        "captured_minor": 1250,
        "capture_conversation_id": None,
        "captured_ms": 1,
        "cancelled_ms": None,
        "error_code": None,
        "error_group": None,
        "installment": 1,
        "fraud_status": 1,
        "card_name": "card-qnb-credit",
        "card_user_key": None,
        "card_token": None,
        "created_ms": 1,
        "lines": (),
        "reversals": (reversal(),),
    }
    return BookedPayment(**(given | changed))
