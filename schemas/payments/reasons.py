"""Why a command was refused, is pending or stayed unknown: one word for programs, the same for every provider."""

from enum import StrEnum


class Reason(StrEnum):
    # The payer's bank or card.
    AUTHENTICATION_FAILED = "authentication_failed"
    AUTHENTICATION_REQUIRED = "authentication_required"
    BLOCKED_CARD = "blocked_card"
    CARD_NOT_PERMITTED = "card_not_permitted"
    CURRENCY_NOT_PERMITTED = "currency_not_permitted"
    DECLINED = "declined"
    DO_NOT_HONOUR = "do_not_honour"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CARD_DATA = "incorrect_card_data"
    INSTALMENTS_NOT_PERMITTED = "instalments_not_permitted"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID_TRANSACTION = "invalid_transaction"
    LIMIT_EXCEEDED = "limit_exceeded"
    LOST_CARD = "lost_card"
    STOLEN_CARD = "stolen_card"
    SUSPECTED_FRAUD = "suspected_fraud"
    # The request.
    INVALID_REQUEST = "invalid_request"
    INVALID_AMOUNT = "invalid_amount"
    CURRENCY_MISMATCH = "currency_mismatch"
    UNKNOWN_LINE = "unknown_line"
    UNSUPPORTED_METHOD = "unsupported_method"
    UNSUPPORTED_OPERATION = "unsupported_operation"
    # The account.
    CONFIGURATION = "configuration"
    INVALID_CREDENTIALS = "invalid_credentials"
    UNKNOWN_INTEGRATION = "unknown_integration"
    # The payment's state.
    AMOUNT_EXCEEDS_AUTHORIZED = "amount_exceeds_authorized"
    AMOUNT_EXCEEDS_CAPTURED = "amount_exceeds_captured"
    NOT_AUTHORIZED = "not_authorized"
    NOTHING_CAPTURED = "nothing_captured"
    PAYMENT_ALREADY_CANCELLED = "payment_already_cancelled"
    PAYMENT_DISPUTED = "payment_disputed"
    PAYMENT_EXISTS = "payment_exists"
    PAYMENT_NOT_FOUND = "payment_not_found"
    PAYMENT_UNSETTLED = "payment_unsettled"
    INVALID_STATE = "invalid_state"
    # The state of a card, plan, subscription, sub-merchant or link.
    RESOURCE_ENDED = "resource_ended"
    RESOURCE_EXISTS = "resource_exists"
    RESOURCE_NOT_FOUND = "resource_not_found"
    RESOURCE_UNSETTLED = "resource_unsettled"
    # A person's word on an outcome.
    ALREADY_RESOLVED = "already_resolved"
    AMOUNT_DIFFERS = "amount_differs"
    NOT_UNKNOWN = "not_unknown"
    PROPOSAL_DIFFERS = "proposal_differs"
    SAME_PERSON = "same_person"
    # The hub's own limits; each of these was certainly not performed.
    CARD_EXPIRED = "card_expired"
    EXPIRED = "expired"
    GAVE_UP = "gave_up"
    PAGE_LOST = "page_lost"
    WITHDRAWN = "withdrawn"
    # Pending.
    ACTION_REQUIRED = "action_required"
    SECOND_PERSON_NEEDED = "second_person_needed"
    UNDER_REVIEW = "under_review"
    # Not known.
    OUTCOME_UNKNOWN = "outcome_unknown"
    # Anything a provider says that fits none of these.
    OTHER = "other"
