"""Stripe's own test payment methods, by the names that its documents give them, and what each does.

Source: docs.stripe.com: Testing ("Cards", "Declined payments", "Disputes", "Refunds", "3D Secure authentication").
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

Asks = Literal["never", "on_request", "unless_set_up", "always"]
"""When the card's bank wants to ask the payer."""


@dataclass(frozen=True, slots=True)
class Card:
    """A test card.

    Attributes:
        decline: the decline code of every charge.
        attaches: it can be attached to a customer although its charges are declined.
        dispute: its charges are disputed for this reason.
        refund: what becomes of its refunds, the second word after a while.
    """

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    asks: Asks = "never"
    decline: str | None = None
    attaches: bool = False
    dispute: str | None = None
    refund: Literal["succeeded", "pending", "failed"] = "succeeded"

    def shown(self) -> dict[str, Any]:
        """As a payment method's `card`."""
        return {
            "brand": self.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": self.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"kolaj{self.brand}{self.last4}",
            "funding": self.funding,
            "generated_from": None,
            "last4": self.last4,
            "networks": {"available": [self.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }


_PLAIN: Final = {
    "visa": Card("4242"),
    "visa_debit": Card("5556", funding="debit"),
    "mastercard": Card("4444", brand="mastercard"),
    "mastercard_debit": Card("8210", brand="mastercard", funding="debit"),
    "mastercard_prepaid": Card("5100", brand="mastercard", funding="prepaid"),
    "amex": Card("0005", brand="amex"),
    "discover": Card("1117", brand="discover"),
    "diners": Card("0004", brand="diners"),
    "jcb": Card("0505", brand="jcb"),
    "unionpay": Card("0005", brand="unionpay"),
}
_DECLINED: Final = {
    "chargeDeclined": Card("0002", decline="generic_decline"),
    "chargeDeclinedInsufficientFunds": Card("9995", decline="insufficient_funds"),
    "chargeDeclinedLostCard": Card("9987", decline="lost_card"),
    "chargeDeclinedStolenCard": Card("9979", decline="stolen_card"),
    "chargeDeclinedExpiredCard": Card("0069", decline="expired_card"),
    "chargeDeclinedIncorrectCvc": Card("0127", decline="incorrect_cvc"),
    "chargeDeclinedProcessingError": Card("0119", decline="processing_error"),
    "chargeDeclinedVelocityLimitExceeded": Card("6975", decline="card_velocity_exceeded"),
    "chargeDeclinedFraudulent": Card("0019", decline="fraudulent"),
}
_OTHERS: Final = {
    "chargeCustomerFail": Card("0341", decline="generic_decline", attaches=True),
    "authenticationRequired": Card("3184", asks="always"),
    "authenticationRequiredOnSetup": Card("3155", asks="unless_set_up"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "3178", asks="always", decline="insufficient_funds", attaches=True
    ),
    "threeDSecure2Required": Card("3220", asks="unless_set_up"),
    "threeDSecureRequired": Card("3063", asks="unless_set_up"),
    "threeDSecureRequiredChargeDeclined": Card("1629", asks="always", decline="generic_decline", attaches=True),
    "threeDSecureOptional": Card("3055", asks="on_request"),
    "createDispute": Card("0259", dispute="fraudulent"),
    "createDisputeProductNotReceived": Card("2685", dispute="product_not_received"),
    "createDisputeInquiry": Card("1976", dispute="inquiry"),
    "pendingRefund": Card("7726", refund="pending"),
    "refundFail": Card("5126", refund="failed"),
}

CARDS: Final[Mapping[str, Card]] = MappingProxyType(
    {f"pm_card_{name}": card for name, card in (_PLAIN | _DECLINED | _OTHERS).items()}
    | {f"pm_card_visa_{name}": replace(card) for name, card in _DECLINED.items()}
)
CODES: Final = frozenset({"expired_card", "incorrect_cvc", "processing_error", "authentication_required"})
"""Declines whose `code` is the same word; of others it is `card_declined`."""
NEVER_AGAIN: Final = frozenset({"lost_card", "stolen_card", "fraudulent"})
