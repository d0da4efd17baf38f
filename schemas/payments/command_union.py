"""Every command about a payment."""

from schemas.payments.commands import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    QueryPayment,
    ReauthorizePayment,
    RefundPayment,
    ResolveOutcome,
)
from schemas.payments.marketplace import ApproveLine, TransferShare
from schemas.payments.notices import TakeNotice
from schemas.payments.three_d_secure import CompleteThreeDSecure, StartThreeDSecure

PaymentCommand = (
    CreatePayment
    | StartThreeDSecure
    | CompleteThreeDSecure
    | CapturePayment
    | ReauthorizePayment
    | CancelPayment
    | RefundPayment
    | QueryPayment
    | ApproveLine
    | TransferShare
    | ResolveOutcome
    | TakeNotice
)
PAYMENT_COMMANDS: tuple[type[PaymentCommand], ...] = (
    CreatePayment,
    StartThreeDSecure,
    CompleteThreeDSecure,
    CapturePayment,
    ReauthorizePayment,
    CancelPayment,
    RefundPayment,
    QueryPayment,
    ApproveLine,
    TransferShare,
    ResolveOutcome,
    TakeNotice,
)
