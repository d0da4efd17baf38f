"""What a payment's state forbids, and how much a command moves where it does not. Pure."""

from typing import Final, assert_never

from agents.payments.decisions import Refuse
from schemas.money import Money
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    Payment,
    PaymentCommand,
    QueryPayment,
    Reason,
    ReauthorizePayment,
    RefundPayment,
    ResolveOutcome,
    StartThreeDSecure,
    TakeNotice,
    TransferShare,
)
from schemas.verdicts import FailureClass

_UNSETTLED: Final = "an earlier outcome is unknown; query the payment and settle it first"


def amount_of(command: PaymentCommand, payment: Payment) -> Money | None:
    """What a command moves, in full: "all that is left" becomes an amount. `None` where that is nothing, or a query."""
    match command:
        case CreatePayment():
            return command.paid_price
        case CapturePayment():
            return command.amount or _money(payment, payment.held)
        case ReauthorizePayment():
            return _money(payment, payment.held)
        case CancelPayment():
            return _money(payment, payment.held or payment.refundable)
        case RefundPayment(line_id=None):
            return command.amount or _money(payment, payment.undisputed)
        case RefundPayment(line_id=str(line_id)):
            return command.amount or _money(payment, payment.line_refundable(line_id) or 0)
        case CompleteThreeDSecure():
            return None if payment.open_creation is None else payment.open_creation.amount
        case TransferShare():
            return command.amount
        case QueryPayment() | ResolveOutcome() | TakeNotice() | ApproveLine():
            return None
        case _:
            raise AssertionError("every payment command has a case above")


def refusal_of(command: PaymentCommand, payment: Payment, *, awaits_completion: bool = False) -> Refuse | None:
    """Why the payment's state forbids the command; `None` when it does not. `awaits_completion` as in `decide`."""
    match command:
        case QueryPayment():
            return _missing(payment) if payment.stage == "new" else None
        case ResolveOutcome() | TakeNotice():
            return None  # judged in `resolve.py` and `noticing.py`, since they are no movements of their own
        case CreatePayment():
            return _create_refusal(command, payment)
        case CompleteThreeDSecure():
            return _completion_refusal(command, payment, awaits_completion=awaits_completion)
        case (
            CapturePayment()
            | ReauthorizePayment()
            | CancelPayment()
            | RefundPayment()
            | ApproveLine()
            | TransferShare()
        ):
            if payment.stage == "new":
                return _missing(payment)
            if payment.stage == "unsettled":
                return _state(Reason.PAYMENT_UNSETTLED, _UNSETTLED)
            requested = amount_of(command, payment)
            if requested is not None and requested.currency != payment.currency:
                return Refuse(
                    Reason.CURRENCY_MISMATCH,
                    FailureClass.INVALID,
                    f"the payment is in {payment.currency}; amounts must be in it too",
                    requested=requested,
                )
            return _movement_refusal(command, payment, requested)
        case _:
            raise AssertionError("every payment command has a case above")


def _create_refusal(command: CreatePayment, payment: Payment) -> Refuse | None:
    if payment.stage == "new":
        return None
    if payment.stage == "unsettled":
        return _state(Reason.PAYMENT_UNSETTLED, "an earlier creation's outcome is unknown", command.paid_price)
    return _state(Reason.PAYMENT_EXISTS, "this payment_id has been created already; use a new one", command.paid_price)


def _completion_refusal(command: CompleteThreeDSecure, payment: Payment, *, awaits_completion: bool) -> Refuse | None:
    """Only what waits for the payer can be completed, once, and where it was begun."""
    requested = amount_of(command, payment)
    match payment.stage:
        case "new" if payment.integration_id is None:
            return _missing(payment)
        case "new":
            return _state(Reason.INVALID_STATE, "nothing waits to be completed: the payment is over; start it anew")
        case "unsettled":
            return _state(Reason.PAYMENT_UNSETTLED, _UNSETTLED, requested)
        case "cancelled":
            return _state(Reason.PAYMENT_ALREADY_CANCELLED, "the payment is cancelled; nothing is left to complete")
        case "authorized" | "captured":
            return _state(Reason.INVALID_STATE, f"the payment is {payment.stage}; nothing is left to complete")
        case "pending":
            return _start_refusal(command, payment, requested, awaits_completion=awaits_completion)
        case _:
            assert_never(payment.stage)


def _start_refusal(
    command: CompleteThreeDSecure, payment: Payment, requested: Money | None, *, awaits_completion: bool
) -> Refuse | None:
    start = payment.open_creation
    if start is None or not (awaits_completion or start.command_type == StartThreeDSecure.type):
        detail = "the payment was not started with 3-D Secure: it completes itself, and a query tells how it stands"
        return _state(Reason.INVALID_STATE, detail, requested)
    if any(known.command_type == command.type for known in payment.open_commands):
        detail = "the provider has taken a completion and not decided yet; query the payment"
        return _state(Reason.PAYMENT_UNSETTLED, detail, requested)
    if command.integration_id not in {None, payment.integration_id}:
        # What was brought back was made for another account, or by it.
        detail = f"the payment was started at {payment.integration_id}; what came back is for another integration"
        return Refuse(Reason.INVALID_REQUEST, FailureClass.INVALID, detail, requested=requested)
    return None


def _movement_refusal(
    command: CapturePayment | ReauthorizePayment | CancelPayment | RefundPayment | ApproveLine | TransferShare,
    payment: Payment,
    requested: Money | None,
) -> Refuse | None:
    if payment.stage == "cancelled" and not payment.refundable:  # unless money came after it
        return _state(Reason.PAYMENT_ALREADY_CANCELLED, "the payment is cancelled; nothing is left to move", requested)
    match command:
        case CapturePayment() | ReauthorizePayment() if payment.stage != "authorized":
            return _state(Reason.NOT_AUTHORIZED, f"nothing is held: the payment is {payment.stage}", requested)
        case ReauthorizePayment():
            return None
        case CapturePayment():
            return _above(requested, payment.held, Reason.AMOUNT_EXCEEDS_AUTHORIZED, "held")
        case CancelPayment():
            if payment.stage == "pending" or payment.held:
                return None
            if payment.refundable:
                return _dispute_refusal(payment, requested)
            return _state(Reason.NOTHING_CAPTURED, "all of it has been given back already", requested)
        case RefundPayment():
            if payment.captured == 0:
                return _state(Reason.NOTHING_CAPTURED, f"nothing was taken: the payment is {payment.stage}", requested)
            over = _above(requested, payment.refundable, Reason.AMOUNT_EXCEEDS_CAPTURED, "captured and not refunded")
            return _line_refusal(command, payment, requested) or _dispute_refusal(payment, requested) or over
        case ApproveLine() | TransferShare() if payment.stage != "captured":
            return _state(Reason.NOTHING_CAPTURED, f"nothing was taken: the payment is {payment.stage}", requested)
        case ApproveLine():
            return _unknown_line(requested) if payment.line_refundable(command.line_id) is None else None
        case TransferShare():
            what = "captured, not refunded and not transferred"
            return _above(requested, payment.transferable, Reason.AMOUNT_EXCEEDS_CAPTURED, what)
        case _:
            assert_never(command)


def _dispute_refusal(payment: Payment, requested: Money | None) -> Refuse | None:
    """What a dispute took went to the payer already: given back as well, it would be gone twice."""
    wanted = 0 if requested is None else requested.minor
    if payment.undisputed == payment.refundable or wanted > payment.refundable or 0 < wanted <= payment.undisputed:
        return None
    left = _money(payment, payment.undisputed)
    detail = f"a dispute took the rest of it already; {left} is left that can be given back"
    return _state(Reason.PAYMENT_DISPUTED, detail, requested)


def _line_refusal(command: RefundPayment, payment: Payment, requested: Money | None) -> Refuse | None:
    if command.line_id is None:
        return None
    left = payment.line_refundable(command.line_id)
    if left is None:
        return _unknown_line(requested)
    return _above(requested, left, Reason.AMOUNT_EXCEEDS_CAPTURED, "left of this line")


def _unknown_line(requested: Money | None) -> Refuse:
    return Refuse(Reason.UNKNOWN_LINE, FailureClass.INVALID, "line_id is no line of this payment", requested=requested)


def _above(requested: Money | None, limit: int, reason: Reason, what: str) -> Refuse | None:
    if requested is None or requested.minor == 0:
        return Refuse(reason, FailureClass.STATE, f"nothing is {what}", requested=requested)
    if requested.minor > limit:
        return Refuse(
            reason, FailureClass.STATE, f"amount is above the {requested.with_minor(limit)} {what}", requested=requested
        )
    return None


def _missing(payment: Payment) -> Refuse:
    return _state(Reason.PAYMENT_NOT_FOUND, f"no payment {payment.payment_id} was created here")


def _state(reason: Reason, detail: str, requested: Money | None = None) -> Refuse:
    return Refuse(reason, FailureClass.STATE, detail, requested=requested)


def _money(payment: Payment, minor: int) -> Money | None:
    return None if payment.currency is None else Money(minor=minor, currency=payment.currency)
