"""What PayPal's failures and declines mean to the hub.

Source: README, "Error codes". The issues of `details` decide, and where there is none, or none that is known, `name`.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paypal.wire import Reply
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

Meaning = tuple[Reason, FailureClass]

_INVALID: Final = (Reason.INVALID_REQUEST, FailureClass.INVALID)
_AMOUNT: Final = (Reason.INVALID_AMOUNT, FailureClass.INVALID)
_CURRENCY: Final = (Reason.CURRENCY_MISMATCH, FailureClass.INVALID)
_CONFIGURATION: Final = (Reason.CONFIGURATION, FailureClass.CONFIGURATION)
_CREDENTIALS: Final = (Reason.INVALID_CREDENTIALS, FailureClass.CONFIGURATION)
_STATE: Final = (Reason.INVALID_STATE, FailureClass.STATE)
_HELD: Final = (Reason.NOT_AUTHORIZED, FailureClass.STATE)
_ABOVE_CAPTURED: Final = (Reason.AMOUNT_EXCEEDS_CAPTURED, FailureClass.STATE)
_NOT_FOUND: Final = (Reason.PAYMENT_NOT_FOUND, FailureClass.STATE)
_UNKNOWN: Final = (Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN)
_OTHER: Final = (Reason.OTHER, FailureClass.INVALID)


def _declined(reason: Reason) -> Meaning:
    return reason, FailureClass.DECLINED


_DECLINED: Final = _declined(Reason.DECLINED)
_AUTHENTICATION: Final = _declined(Reason.AUTHENTICATION_REQUIRED)
_EXPIRED: Final = _declined(Reason.EXPIRED_CARD)
_NOT_PERMITTED: Final = _declined(Reason.CARD_NOT_PERMITTED)
_BLOCKED: Final = _declined(Reason.BLOCKED_CARD)
_LIMIT: Final = _declined(Reason.LIMIT_EXCEEDED)
_CARD_DATA: Final = _declined(Reason.INCORRECT_CARD_DATA)
_FRAUD: Final = _declined(Reason.SUSPECTED_FRAUD)

ISSUES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        # The payer.
        "INSTRUMENT_DECLINED": _DECLINED,
        "TRANSACTION_REFUSED": _DECLINED,
        "PAYMENT_DENIED": _DECLINED,
        "PAYER_CANNOT_PAY": _DECLINED,
        "CARD_EXPIRED": _EXPIRED,
        "REFERENCED_CARD_EXPIRED": _EXPIRED,
        "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR": _DECLINED,
        "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED": _CARD_DATA,
        "PAYMENT_SOURCE_CANNOT_BE_USED": _NOT_PERMITTED,
        "CARD_BRAND_NOT_SUPPORTED": _NOT_PERMITTED,
        "INVALID_EXPIRY_DATE": _CARD_DATA,
        "INVALID_SECURITY_CODE_LENGTH": _CARD_DATA,
        "ALIAS_DECLINED_BY_PROCESSOR": _DECLINED,
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED": _BLOCKED,
        "PAYER_ACCOUNT_RESTRICTED": _BLOCKED,
        "TRANSACTION_BLOCKED_BY_PAYEE": _DECLINED,
        "PAYEE_BLOCKED_TRANSACTION": _DECLINED,
        "COMPLIANCE_VIOLATION": _DECLINED,
        "TRANSACTION_LIMIT_EXCEEDED": _LIMIT,
        "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": _LIMIT,
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": _LIMIT,
        "DECLINED_DUE_TO_RELATED_TXN": _DECLINED,
        "DOMESTIC_TRANSACTION_REQUIRED": _NOT_PERMITTED,
        "AUTHORIZATION_DENIED": _DECLINED,
        "AGREEMENT_ALREADY_CANCELLED": _NOT_PERMITTED,
        "REFUND_FAILED_INSUFFICIENT_FUNDS": _declined(Reason.INSUFFICIENT_FUNDS),
        "PAYER_ACTION_REQUIRED": _AUTHENTICATION,
        "ORDER_NOT_APPROVED": _AUTHENTICATION,
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": _AUTHENTICATION,
        # The account.
        "INVALID_ACCOUNT_STATUS": _CONFIGURATION,
        "PERMISSION_DENIED": _CONFIGURATION,
        "PERMISSION_DENIED_FOR_DONATION_ITEMS": _CONFIGURATION,
        "NOT_ENABLED_FOR_CARD_PROCESSING": _CONFIGURATION,
        "NOT_ELIGIBLE_FOR_TOKEN_PROCESSING": _CONFIGURATION,
        "PAYEE_ACCOUNT_NOT_VERIFIED": _CONFIGURATION,
        "CONSENT_NEEDED": _CONFIGURATION,
        "PAYEE_ACCOUNT_RESTRICTED": _CONFIGURATION,
        "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": _CONFIGURATION,
        "PAYEE_ACCOUNT_INVALID": _CONFIGURATION,
        "AUTH_CAPTURE_NOT_ENABLED": _CONFIGURATION,
        "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING": _CONFIGURATION,
        "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE": _CONFIGURATION,
        "NOT_ENABLED_FOR_APPLE_PAY": _CONFIGURATION,
        "NOT_ENABLED_FOR_GOOGLE_PAY": _CONFIGURATION,
        "CARD_SUBSCRIPTIONS_NOT_ENABLED": _CONFIGURATION,
        "USER_ACCOUNT_CLOSED": _CONFIGURATION,
        # It is done already, by an earlier send of ours perhaps, or is being done: the truth is had by asking.
        "ORDER_ALREADY_CAPTURED": _UNKNOWN,
        "ORDER_ALREADY_AUTHORIZED": _UNKNOWN,
        "AUTHORIZATION_ALREADY_CAPTURED": _UNKNOWN,
        "PREVIOUSLY_VOIDED": _UNKNOWN,
        "PREVIOUSLY_CAPTURED": _UNKNOWN,
        "ORDER_COMPLETED_OR_VOIDED": _UNKNOWN,
        "AUTHORIZATION_VOIDED": _UNKNOWN,
        "ORDER_COMPLETION_IN_PROGRESS": _UNKNOWN,
        "PREVIOUS_REQUEST_IN_PROGRESS": _UNKNOWN,
        "DUPLICATE_INVOICE_ID": _UNKNOWN,
        "PAYPAL_REQUEST_ID_PREVIOUSLY_USED": _UNKNOWN,
        # The payment's state. A refund is answered under its request id for 45 days, so that this one is none of ours.
        "CAPTURE_FULLY_REFUNDED": _ABOVE_CAPTURED,
        "REFUND_AMOUNT_EXCEEDED": _ABOVE_CAPTURED,
        "AUTHORIZATION_EXPIRED": _HELD,
        "ORDER_EXPIRED": _STATE,
        "TOKEN_EXPIRED": _STATE,
        "CANNOT_BE_VOIDED": _STATE,
        "PENDING_CAPTURE": _STATE,
        "REFUND_TIME_LIMIT_EXCEEDED": _STATE,
        "REFUND_NOT_ALLOWED": _STATE,
        "REFUND_IS_RESTRICTED": _STATE,
        "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": _STATE,
        "TRANSACTION_DISPUTED": _STATE,
        "REAUTHORIZATION_NOT_SUPPORTED": _STATE,
        "SUBSCRIPTION_STATUS_INVALID": _STATE,
        "SUBSCRIPTION_CANNOT_BE_ACTIVATED": _STATE,
        "PLAN_STATUS_INVALID": _STATE,
        "MAX_CAPTURE_COUNT_EXCEEDED": _STATE,
        "MAX_NUMBER_OF_REFUNDS_EXCEEDED": _STATE,
        "PARTIAL_REFUND_NOT_ALLOWED": _STATE,
        "ACTION_DOES_NOT_MATCH_INTENT": _STATE,
        "INVALID_RESOURCE_ID": _NOT_FOUND,
        # The request.
        "MAX_CAPTURE_AMOUNT_EXCEEDED": (Reason.AMOUNT_EXCEEDS_AUTHORIZED, FailureClass.STATE),
        "DECIMAL_PRECISION": _AMOUNT,
        "DECIMALS_NOT_SUPPORTED": _AMOUNT,
        "AMOUNT_MISMATCH": _AMOUNT,
        "ITEM_TOTAL_MISMATCH": _AMOUNT,
        "TAX_TOTAL_MISMATCH": _AMOUNT,
        "CANNOT_BE_NEGATIVE": _AMOUNT,
        "CANNOT_BE_ZERO_OR_NEGATIVE": _AMOUNT,
        "MAX_VALUE_EXCEEDED": _AMOUNT,
        "REFUND_AMOUNT_TOO_LOW": _AMOUNT,
        "INVALID_CURRENCY_CODE": _CURRENCY,
        "AUTH_CAPTURE_CURRENCY_MISMATCH": _CURRENCY,
        "REFUND_CAPTURE_CURRENCY_MISMATCH": _CURRENCY,
        "CURRENCY_MISMATCH": _CURRENCY,
        "MULTI_CURRENCY_ORDER": _CURRENCY,
        "MISSING_REQUIRED_PARAMETER": _INVALID,
        "INVALID_PARAMETER_VALUE": _INVALID,
        "INVALID_PARAMETER_SYNTAX": _INVALID,
        "INVALID_STRING_LENGTH": _INVALID,
        "INVALID_STRING_MAX_LENGTH": _INVALID,
        "INVALID_STRING_MIN_LENGTH": _INVALID,
        "MALFORMED_REQUEST_JSON": _INVALID,
        "INVALID_COUNTRY_CODE": _INVALID,
        "NOT_SUPPORTED": _INVALID,
        "INVALID_ARRAY_MIN_ITEMS": _INVALID,
        "INVALID_ARRAY_MAX_ITEMS": _INVALID,
        "PAYPAL_REQUEST_ID_REQUIRED": _INVALID,
        "UNSUPPORTED_INTENT": _INVALID,
        "DUPLICATE_REFERENCE_ID": _INVALID,
    }
)
NAMES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "INVALID_REQUEST": _INVALID,
        "VALIDATION_ERROR": _INVALID,
        "UNSUPPORTED_MEDIA_TYPE": _INVALID,
        "AUTHENTICATION_FAILURE": _CREDENTIALS,
        "invalid_client": _CREDENTIALS,
        "invalid_token": _CREDENTIALS,
        "NOT_AUTHORIZED": _CONFIGURATION,
        "PERMISSION_DENIED": _CONFIGURATION,
        "RESOURCE_NOT_FOUND": _NOT_FOUND,
        "INVALID_RESOURCE_ID": _NOT_FOUND,
        # A 422 with an issue that nobody has listed yet: they have performed nothing.
        "UNPROCESSABLE_ENTITY": _OTHER,
        "RATE_LIMIT_REACHED": (Reason.GAVE_UP, FailureClass.THROTTLED),
    }
)
"""Every other name leaves the outcome unknown: theirs of faults, and those that are not known here."""
PROCESSOR: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        "5120": Reason.INSUFFICIENT_FUNDS,
        "5400": Reason.EXPIRED_CARD,
        "5110": Reason.INCORRECT_CARD_DATA,
        "00N7": Reason.INCORRECT_CARD_DATA,
        "1330": Reason.INCORRECT_CARD_DATA,
        "0500": Reason.DO_NOT_HONOUR,
        "PPRN": Reason.DO_NOT_HONOUR,
        "5180": Reason.BLOCKED_CARD,
        "5650": Reason.AUTHENTICATION_REQUIRED,
        "7710": Reason.AUTHENTICATION_FAILED,
        "9500": Reason.SUSPECTED_FRAUD,
        "9520": Reason.STOLEN_CARD,
    }
)
"""The card network's word on a capture or authorization that was declined; 9520 is "lost or stolen"."""

_ADVICE: Final[Mapping[FailureClass, str]] = MappingProxyType(
    {
        FailureClass.DECLINED: "declined; the payer may choose another way to pay",
        FailureClass.INVALID: "PayPal found the request wrong; look the issue up in its reference and correct it",
        FailureClass.CONFIGURATION: "the account or its keys do not allow it; correct them in PayPal's dashboard",
        FailureClass.STATE: "the payment is not in a state that allows it; query it first",
        FailureClass.THROTTLED: "too many requests; PayPal performed nothing",
        FailureClass.UNKNOWN: "PayPal cannot say whether it was performed; ask for the status",
    }
)
_FAULTS: Final = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL_SERVICE_ERROR", "SERVICE_UNAVAILABLE"})
_ABSENT: Final = frozenset({"RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"})


def meaning_of(name: str | None, issues: Iterable[str]) -> Meaning:
    """What a failure means: where one of its issues leaves the outcome unknown it is, else the first known one says."""
    known = [ISSUES[issue] for issue in issues if issue in ISSUES]
    if _UNKNOWN in known:
        return _UNKNOWN
    return known[0] if known else NAMES.get(name or "", _UNKNOWN)


def refusal(reply: Reply) -> Outcome:
    """The outcome of a call that failed."""
    reason, failure = meaning_of(reply.name or reply.error, reply.issues)
    return Outcome(
        verdict=Verdict.UNKNOWN if failure is FailureClass.UNKNOWN else Verdict.REFUSED,
        reason=reason,
        failure=failure,
        detail=f"{_ADVICE[failure]} (PayPal: {reply.word or 'no code'})",
        their_code=reply.word,
        their_group=reply.name,
        their_fault=reply.name in _FAULTS,
    )


def is_absent(reply: Reply) -> bool:
    """Whether they do not know what was asked for."""
    return reply.failed and reply.name in _ABSENT


def not_answered(reply: Reply) -> UnusableAnswer:
    """A question that failed says nothing about what was asked."""
    failure = meaning_of(reply.name or reply.error, reply.issues)[1]
    throttled = failure is FailureClass.THROTTLED
    return UnusableAnswer(
        "PayPal did not answer the question",
        their_code=reply.word,
        failure=FailureClass.THROTTLED if throttled else FailureClass.UNKNOWN,
    )
