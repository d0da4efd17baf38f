from schemas.payments.actions import NextAction, Redirect, ShowFrame, ShowPage, TransferMoney
from schemas.payments.basket import BasketLine, MerchantShare
from schemas.payments.card_summary import CardSummary
from schemas.payments.command_union import PAYMENT_COMMANDS, PaymentCommand
from schemas.payments.commands import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    QueryPayment,
    RefundPayment,
    ResolveOutcome,
)
from schemas.payments.facts import PAYMENT_EVENTS, CommandRejected, LateOutcome, PaymentEvent, ResultDivergence
from schemas.payments.kept_card import KeptCard
from schemas.payments.marketplace import ApproveLine, TransferShare
from schemas.payments.methods import (
    BankTransfer,
    CardRef,
    Crypto,
    HostedPage,
    PaymentMethod,
    ProviderToken,
    StoredCard,
    Wallet,
)
from schemas.payments.notices import TakeNotice
from schemas.payments.open_outcomes import OpenCommand, ResolutionProposal
from schemas.payments.parties import Address, Buyer
from schemas.payments.payment import Payment
from schemas.payments.reasons import Reason
from schemas.payments.results import (
    CommandPending,
    CommandRefused,
    CommandUnknown,
    Found,
    LineApproved,
    LineReference,
    OutcomeResolved,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentRefunded,
    Performed,
    Result,
    ShareTransferred,
    ThreeDSecureCompleted,
)
from schemas.payments.three_d_secure import CompleteThreeDSecure, ReturnedField, StartThreeDSecure

__all__ = [
    "PAYMENT_COMMANDS",
    "PAYMENT_EVENTS",
    "Address",
    "ApproveLine",
    "BankTransfer",
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
    "CompleteThreeDSecure",
    "CreatePayment",
    "Crypto",
    "Found",
    "HostedPage",
    "KeptCard",
    "LateOutcome",
    "LineApproved",
    "LineReference",
    "MerchantShare",
    "NextAction",
    "OpenCommand",
    "OutcomeResolved",
    "Payment",
    "PaymentCancelled",
    "PaymentCaptured",
    "PaymentCommand",
    "PaymentCreated",
    "PaymentEvent",
    "PaymentMethod",
    "PaymentNoticed",
    "PaymentQueried",
    "PaymentRefunded",
    "Performed",
    "ProviderToken",
    "QueryPayment",
    "Reason",
    "Redirect",
    "RefundPayment",
    "ResolutionProposal",
    "ResolveOutcome",
    "Result",
    "ResultDivergence",
    "ReturnedField",
    "ShareTransferred",
    "ShowFrame",
    "ShowPage",
    "StartThreeDSecure",
    "StoredCard",
    "TakeNotice",
    "ThreeDSecureCompleted",
    "TransferMoney",
    "TransferShare",
    "Wallet",
]
