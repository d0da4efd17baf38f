"""Stripe's errors as reasons and classes. Codes decide first, then the kind of error, then the status.

Source: README, "Errors".
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from providers.outcome import Outcome, UnusableAnswer
from providers.payments.stripe.wire import Failure, Http, Reply
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

Meaning = tuple[Reason, FailureClass]

_DECLINED: Final = (Reason.DECLINED, FailureClass.DECLINED)
_CARD_DATA: Final = (Reason.INCORRECT_CARD_DATA, FailureClass.DECLINED)
_EXPIRED: Final = (Reason.EXPIRED_CARD, FailureClass.DECLINED)
_FUNDS: Final = (Reason.INSUFFICIENT_FUNDS, FailureClass.DECLINED)
_LIMIT: Final = (Reason.LIMIT_EXCEEDED, FailureClass.DECLINED)
_BLOCKED: Final = (Reason.BLOCKED_CARD, FailureClass.DECLINED)
_NOT_PERMITTED: Final = (Reason.CARD_NOT_PERMITTED, FailureClass.DECLINED)
_FRAUD: Final = (Reason.SUSPECTED_FRAUD, FailureClass.DECLINED)
_ASK_PAYER: Final = (Reason.AUTHENTICATION_REQUIRED, FailureClass.DECLINED)
_NOT_PROVED: Final = (Reason.AUTHENTICATION_FAILED, FailureClass.DECLINED)
_INVALID: Final = (Reason.INVALID_REQUEST, FailureClass.INVALID)
_AMOUNT: Final = (Reason.INVALID_AMOUNT, FailureClass.INVALID)
_STATE: Final = (Reason.INVALID_STATE, FailureClass.STATE)
_LAPSED: Final = (Reason.NOT_AUTHORIZED, FailureClass.STATE)
_ACCOUNT: Final = (Reason.CONFIGURATION, FailureClass.CONFIGURATION)
_KEY: Final = (Reason.INVALID_CREDENTIALS, FailureClass.CONFIGURATION)
_LATER: Final = (Reason.OTHER, FailureClass.THROTTLED)
_UNKNOWN: Final = (Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN)

DECLINES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "approve_with_id": _DECLINED,
        "authentication_not_handled": _ASK_PAYER,
        "authentication_required": _ASK_PAYER,
        "call_issuer": (Reason.DO_NOT_HONOUR, FailureClass.DECLINED),
        "card_not_supported": _NOT_PERMITTED,
        "card_velocity_exceeded": _LIMIT,
        "currency_not_supported": (Reason.CURRENCY_NOT_PERMITTED, FailureClass.DECLINED),
        "do_not_honor": (Reason.DO_NOT_HONOUR, FailureClass.DECLINED),
        "do_not_try_again": _BLOCKED,
        "duplicate_transaction": (Reason.INVALID_TRANSACTION, FailureClass.DECLINED),
        "expired_card": _EXPIRED,
        "fraudulent": _FRAUD,
        "generic_decline": _DECLINED,
        "incorrect_address": _CARD_DATA,
        "incorrect_cvc": _CARD_DATA,
        "incorrect_number": _CARD_DATA,
        "incorrect_pin": _CARD_DATA,
        "incorrect_zip": _CARD_DATA,
        "insufficient_funds": _FUNDS,
        "invalid_account": _BLOCKED,
        "invalid_amount": (Reason.INVALID_AMOUNT, FailureClass.DECLINED),
        "invalid_cvc": _CARD_DATA,
        "invalid_expiry_month": _CARD_DATA,
        "invalid_expiry_year": _CARD_DATA,
        "invalid_number": _CARD_DATA,
        "issuer_not_available": _DECLINED,
        "lost_card": (Reason.LOST_CARD, FailureClass.DECLINED),
        "merchant_blacklist": _FRAUD,
        "new_account_information_available": _DECLINED,
        "no_action_taken": _DECLINED,
        "not_permitted": _NOT_PERMITTED,
        "pickup_card": _BLOCKED,
        "pin_try_exceeded": _LIMIT,
        "processing_error": _DECLINED,
        "reenter_transaction": _DECLINED,
        "restricted_card": _BLOCKED,
        "revocation_of_all_authorizations": _BLOCKED,
        "revocation_of_authorization": _BLOCKED,
        "security_violation": _FRAUD,
        "service_not_allowed": _NOT_PERMITTED,
        "stolen_card": (Reason.STOLEN_CARD, FailureClass.DECLINED),
        "stop_payment_order": _BLOCKED,
        "testmode_decline": _DECLINED,
        "transaction_not_allowed": _NOT_PERMITTED,
        "try_again_later": _DECLINED,
        "withdrawal_count_limit_exceeded": _LIMIT,
    }
)
"""By `decline_code`: what the bank said."""

CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "account_invalid": _ACCOUNT,
        "amount_too_large": _AMOUNT,
        "amount_too_small": _AMOUNT,
        "api_key_expired": _KEY,
        "authentication_required": _ASK_PAYER,
        "balance_insufficient": (Reason.INSUFFICIENT_FUNDS, FailureClass.STATE),
        "capability_not_active": _ACCOUNT,
        "capture_charge_authorization_expired": _LAPSED,
        "card_decline_rate_limit_exceeded": _LIMIT,
        "card_declined": _DECLINED,
        "charge_already_captured": _STATE,
        "charge_already_refunded": (Reason.AMOUNT_EXCEEDS_CAPTURED, FailureClass.STATE),
        "charge_disputed": _STATE,
        "charge_exceeds_source_limit": _LIMIT,
        "charge_exceeds_transaction_limit": _AMOUNT,
        "charge_expired_for_capture": _LAPSED,
        "charge_not_refundable": _STATE,
        "expired_card": _EXPIRED,
        "idempotency_key_in_use": _UNKNOWN,
        "incorrect_address": _CARD_DATA,
        "incorrect_cvc": _CARD_DATA,
        "incorrect_number": _CARD_DATA,
        "incorrect_zip": _CARD_DATA,
        "insufficient_funds": _FUNDS,
        "intent_invalid_state": _STATE,
        "invalid_charge_amount": _AMOUNT,
        "invalid_cvc": _CARD_DATA,
        "invalid_expiry_month": _CARD_DATA,
        "invalid_expiry_year": _CARD_DATA,
        "invalid_number": _CARD_DATA,
        "invoice_payment_intent_requires_action": _ASK_PAYER,
        "livemode_mismatch": _ACCOUNT,
        "lock_timeout": _LATER,
        "not_allowed_on_standard_account": _ACCOUNT,
        "payment_intent_action_required": _ASK_PAYER,
        "payment_intent_authentication_failure": _NOT_PROVED,
        "payment_intent_rate_limit_exceeded": _LATER,
        "payment_intent_unexpected_state": _STATE,
        "payment_method_currency_mismatch": (Reason.CURRENCY_NOT_PERMITTED, FailureClass.INVALID),
        "payment_method_customer_decline": _DECLINED,
        "payment_method_provider_decline": _DECLINED,
        "payment_method_provider_timeout": _DECLINED,
        "payment_method_unactivated": _ACCOUNT,
        "payment_method_unexpected_state": _STATE,
        "platform_account_required": _ACCOUNT,
        "platform_api_key_expired": _KEY,
        "processing_error": _DECLINED,
        "rate_limit": _LATER,
        "refund_disputed_payment": _STATE,
        "resource_already_exists": _UNKNOWN,
        "resource_missing": (Reason.PAYMENT_NOT_FOUND, FailureClass.INVALID),
        "secret_key_required": _KEY,
        "setup_intent_authentication_failure": _NOT_PROVED,
        "setup_intent_unexpected_state": _STATE,
        "status_transition_invalid": _STATE,
        "testmode_charges_only": _ACCOUNT,
        "tls_version_unsupported": _ACCOUNT,
    }
)
"""By `code`. One that does not stand here is judged by the kind of error."""

_TYPES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "card_error": _DECLINED,
        "invalid_request_error": _INVALID,
    }
)
"""By `type`. Of an `api_error`, and of a kind that was never met, nobody knows what was performed. An
`idempotency_error` says that something was, under this very key, by other words."""

_STATUSES: Final[Mapping[int, Meaning]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: _KEY,
        HTTPStatus.FORBIDDEN: _ACCOUNT,
        HTTPStatus.FAILED_DEPENDENCY: _UNKNOWN,
        HTTPStatus.TOO_MANY_REQUESTS: _LATER,
    }
)
"""These say more than `type`, where there is no code."""

_ADVICE: Final[Mapping[FailureClass, str]] = MappingProxyType(
    {
        FailureClass.DECLINED: "declined; the payer may use another card or correct the card data",
        FailureClass.INVALID: "Stripe found the request wrong; look the code up in its error table and correct it",
        FailureClass.CONFIGURATION: "the account or its key does not allow it; correct them in Stripe's dashboard",
        FailureClass.STATE: "it is not in a state that allows that; query it first",
        FailureClass.THROTTLED: "too many requests; Stripe performed nothing",
        FailureClass.UNKNOWN: "Stripe cannot say whether it was performed; ask for the status",
    }
)
_NEVER_AGAIN: Final = frozenset(
    {
        "do_not_try_again",
        "fraudulent",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
    }
)
_LATER_PERHAPS: Final = frozenset(
    {
        "issuer_not_available",
        "payment_method_provider_timeout",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
    }
)
_NEVER: Final = "declined, and never to be tried with this card again; tell the payer no more than that"
_PERHAPS: Final = "declined, since the bank could not decide; a new command may succeed later"
_PRESENT: Final = "the bank wants to ask the payer; start it with 3-D Secure while the payer is there"


def meaning_of(error: Failure, status: int) -> Meaning:
    """What an error means. Of a decline the bank's own code says the most."""
    if error.decline_code is not None and error.decline_code in DECLINES:
        return DECLINES[error.decline_code]
    by_code = CODES.get(error.code or "")
    if by_code is not None:
        return by_code
    return _STATUSES.get(status) or _TYPES.get(error.type, _UNKNOWN)


def refusal(error: Failure, http: Http, reference: str | None = None) -> Outcome:
    """The outcome of a request that was answered by an error.

    Raises:
        UnusableAnswer: nobody knows what was performed, or Stripe itself advises to send the same again.
    """
    reason, failure = meaning_of(error, http.status)
    if failure is FailureClass.UNKNOWN or http.should_retry:
        raise UnusableAnswer("Stripe has not decided; ask, and send the same again", their_code=error.word)
    intent = error.payment_intent
    return Outcome(
        verdict=Verdict.REFUSED,
        reference=reference if intent is None else intent.id or reference,
        reason=reason,
        failure=failure,
        detail=_told(error, http, reason, failure),
        their_code=error.word,
        their_group=error.type,
    )


def raise_error(reply: Reply) -> None:
    """For questions: a failed one says nothing about what was asked.

    Raises:
        UnusableAnswer: the answer is an error.
    """
    if reply.error is not None:
        raise not_answered(reply.error, reply.http)


def not_answered(error: Failure, http: Http) -> UnusableAnswer:
    """An id that is not known is one of another account or mode; that says nothing about the payment either."""
    _, failure = meaning_of(error, http.status)
    throttled = failure is FailureClass.THROTTLED
    return UnusableAnswer(
        "Stripe did not answer the query",
        their_code=error.word,
        failure=FailureClass.THROTTLED if throttled else FailureClass.UNKNOWN,
    )


def _told(error: Failure, http: Http, reason: Reason, failure: FailureClass) -> str:
    advice = _ADVICE[failure]
    if reason is Reason.AUTHENTICATION_REQUIRED:
        advice = _PRESENT
    elif error.word in _NEVER_AGAIN:
        advice = _NEVER
    elif error.word in _LATER_PERHAPS:
        advice = _PERHAPS
    named = "" if http.request_id is None else f", request {http.request_id}"
    return f"{advice} (Stripe code {error.word}{named})"
