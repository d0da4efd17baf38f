from schemas.payments.basket import BasketLine, MerchantShare
from schemas.payments.commands import (
    PAYMENT_COMMANDS,
    CancelPayment,
    CapturePayment,
    CreatePayment,
    PaymentCommand,
    QueryPayment,
    RefundPayment,
    ResolveOutcome,
)
from schemas.payments.facts import PAYMENT_EVENTS, CommandRejected, LateOutcome, PaymentEvent, ResultDivergence
from schemas.payments.methods import CardRef, HostedPage, PaymentMethod, ProviderToken, StoredCard
from schemas.payments.open_outcomes import OpenCommand, ResolutionProposal
from schemas.payments.parties import Address, Buyer
from schemas.payments.payment import Payment
from schemas.payments.reasons import Reason
from schemas.payments.results import (
    CardSummary,
    CommandPending,
    CommandRefused,
    CommandUnknown,
    LineReference,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentQueried,
    PaymentRefunded,
    Performed,
    Result,
)

__all__ = [
    "PAYMENT_COMMANDS",
    "PAYMENT_EVENTS",
    "Address",
    "BasketLine",
    "Buyer",
    "CancelPayment",
    "CapturePayment",
    "CardRef",
    "CardSummary",
    "CommandPending",
    "CommandRefused",
    "CommandRejected",
    "CommandUnknown",
    "CreatePayment",
    "HostedPage",
    "LateOutcome",
    "LineReference",
    "MerchantShare",
    "OpenCommand",
    "OutcomeResolved",
    "Payment",
    "PaymentCancelled",
    "PaymentCaptured",
    "PaymentCommand",
    "PaymentCreated",
    "PaymentEvent",
    "PaymentMethod",
    "PaymentQueried",
    "PaymentRefunded",
    "Performed",
    "ProviderToken",
    "QueryPayment",
    "Reason",
    "RefundPayment",
    "ResolutionProposal",
    "ResolveOutcome",
    "Result",
    "ResultDivergence",
    "StoredCard",
]
