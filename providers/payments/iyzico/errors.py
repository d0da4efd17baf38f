"""What iyzico's error codes mean to the hub.

Source: README, "Error codes". Codes decide, never the localised message. The bank's group is the documented key for
bank codes; where either of the two says that the outcome is unknown, it is.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.outcome import Outcome
from providers.payments.iyzico.wire import Envelope
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

Meaning = tuple[Reason, FailureClass]

_INVALID: Final = (Reason.INVALID_REQUEST, FailureClass.INVALID)
_CONFIGURATION: Final = (Reason.CONFIGURATION, FailureClass.CONFIGURATION)
_CREDENTIALS: Final = (Reason.INVALID_CREDENTIALS, FailureClass.CONFIGURATION)
_UNKNOWN: Final = (Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN)
_STATE: Final = (Reason.INVALID_STATE, FailureClass.STATE)


def _declined(reason: Reason) -> Meaning:
    return reason, FailureClass.DECLINED


_CARD_DATA: Final = _declined(Reason.INCORRECT_CARD_DATA)
_EXPIRED: Final = _declined(Reason.EXPIRED_CARD)
_BLOCKED: Final = _declined(Reason.BLOCKED_CARD)
_NOT_PERMITTED: Final = _declined(Reason.CARD_NOT_PERMITTED)
_LIMIT: Final = _declined(Reason.LIMIT_EXCEEDED)
_FRAUD: Final = _declined(Reason.SUSPECTED_FRAUD)
_DECLINED: Final = _declined(Reason.DECLINED)

CODES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "1": _UNKNOWN,
        "2": _UNKNOWN,
        **{str(code): _INVALID for code in range(3, 12)},
        "12": _CARD_DATA,
        "13": _CARD_DATA,
        "14": _CARD_DATA,
        "15": _CARD_DATA,
        "16": _CARD_DATA,
        "17": _EXPIRED,
        **{str(code): _INVALID for code in range(18, 26)},
        "1000": _CREDENTIALS,
        "1001": _CREDENTIALS,
        "1007": _CREDENTIALS,
        **{str(code): _INVALID for code in range(2000, 2031)},
        "3001": _INVALID,
        "3002": _INVALID,
        "3005": _INVALID,
        "3006": _INVALID,
        **{str(code): _CONFIGURATION for code in range(4000, 4007)},
        "5001": _INVALID,
        "5004": (Reason.INVALID_AMOUNT, FailureClass.INVALID),
        "5005": (Reason.INVALID_AMOUNT, FailureClass.INVALID),
        "5007": _INVALID,
        "5057": _INVALID,
        "5062": (Reason.INVALID_AMOUNT, FailureClass.INVALID),
        "5074": _CONFIGURATION,
        "5077": _CONFIGURATION,
        "5079": _INVALID,
        "5082": (Reason.NOT_AUTHORIZED, FailureClass.STATE),
        "5087": (Reason.PAYMENT_NOT_FOUND, FailureClass.STATE),
        "5092": (Reason.UNKNOWN_LINE, FailureClass.STATE),
        "5111": _INVALID,
        "5124": _STATE,
        "5132": _INVALID,
        "5184": _declined(Reason.CURRENCY_NOT_PERMITTED),
        "6001": _FRAUD,
        # The same operation is under way: perhaps it is an earlier send of ours, so its outcome has to be asked for.
        "8514": _UNKNOWN,
        "9000": _CONFIGURATION,
        "50000": (Reason.GAVE_UP, FailureClass.THROTTLED),
        "100001": _UNKNOWN,
        "10005": _declined(Reason.DO_NOT_HONOUR),
        "10012": _declined(Reason.INVALID_TRANSACTION),
        "10034": _FRAUD,
        "10041": _declined(Reason.LOST_CARD),
        "10043": _declined(Reason.STOLEN_CARD),
        "10051": _declined(Reason.INSUFFICIENT_FUNDS),
        "10054": _EXPIRED,
        "10057": _NOT_PERMITTED,
        "10058": _CONFIGURATION,
        "10084": _CARD_DATA,
        "10093": _NOT_PERMITTED,
        "10201": _NOT_PERMITTED,
        "10202": _UNKNOWN,
        # Approved already: an earlier send may have done it.
        "10203": _UNKNOWN,
        "10204": _UNKNOWN,
        "10205": _INVALID,
        "10206": _CARD_DATA,
        "10207": _DECLINED,
        "10208": _CONFIGURATION,
        "10209": _BLOCKED,
        "10210": _declined(Reason.AUTHENTICATION_REQUIRED),
        "10211": _declined(Reason.AUTHENTICATION_REQUIRED),
        "10212": _LIMIT,
        "10213": _CARD_DATA,
        "10214": _UNKNOWN,
        "10215": _CARD_DATA,
        "10216": _UNKNOWN,
        "10217": _declined(Reason.AUTHENTICATION_REQUIRED),
        "10218": _declined(Reason.INSTALMENTS_NOT_PERMITTED),
        "10219": _UNKNOWN,
        "10220": _DECLINED,
        "10221": (Reason.CARD_NOT_PERMITTED, FailureClass.CONFIGURATION),
        "10222": (Reason.INSTALMENTS_NOT_PERMITTED, FailureClass.CONFIGURATION),
        "10223": _STATE,
        "10224": _LIMIT,
        "10225": _BLOCKED,
        "10226": _LIMIT,
        "10227": _CARD_DATA,
        "10228": _UNKNOWN,
        "10229": _CARD_DATA,
        "10230": _BLOCKED,
        "10231": _DECLINED,
        "10232": (Reason.INVALID_AMOUNT, FailureClass.INVALID),
        "10233": _NOT_PERMITTED,
        "10234": _declined(Reason.INSUFFICIENT_FUNDS),
        "10235": _DECLINED,
        "10236": _UNKNOWN,
        "10240": _UNKNOWN,
        "10241": _UNKNOWN,
        "10242": _UNKNOWN,
        "10243": _DECLINED,
        "10244": _DECLINED,
        "10246": _UNKNOWN,
        "10248": _LIMIT,
    }
)

GROUPS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "DO_NOT_HONOUR": CODES["10005"],
        "INVALID_TRANSACTION": CODES["10012"],
        "FRAUD_SUSPECT": _FRAUD,
        "LOST_CARD": CODES["10041"],
        "PICKUP_CARD": _BLOCKED,
        "STOLEN_CARD": CODES["10043"],
        "NOT_SUFFICIENT_FUNDS": CODES["10051"],
        "EXPIRED_CARD": _EXPIRED,
        "NOT_PERMITTED_TO_CARDHOLDER": _NOT_PERMITTED,
        "NOT_PERMITTED_TO_TERMINAL": _CONFIGURATION,
        "INVALID_CVC2": _CARD_DATA,
        "RESTRICTED_BY_LAW": _NOT_PERMITTED,
        "CARD_NOT_PERMITTED": _NOT_PERMITTED,
        "UNKNOWN": _UNKNOWN,
        "APPROVED_COMPLETED": _UNKNOWN,
        "INVALID_CHARS_IN_EMAIL": _INVALID,
        "INVALID_CVC2_LENGTH": _CARD_DATA,
        "CVC_REQUIRED": _CARD_DATA,
        "REFER_TO_CARD_ISSUER": _DECLINED,
        "INVALID_MERCHANT_OR_SP": _CONFIGURATION,
        "BLOCKED_CARD": _BLOCKED,
        "INVALID_CAVV": CODES["10210"],
        "INVALID_ECI": CODES["10211"],
        "CVC2_MAX_ATTEMPT": _LIMIT,
        "BIN_NOT_FOUND": _CARD_DATA,
        "COMMUNICATION_OR_SYSTEM_ERROR": _UNKNOWN,
        "INVALID_CARD_NUMBER": _CARD_DATA,
        "NO_SUCH_ISSUER": _UNKNOWN,
        "NO_RESPONSE": _UNKNOWN,
        "DEBIT_CARDS_REQUIRES_3DS": CODES["10217"],
        "DEBIT_CARDS_INSTALLMENT_NOT_ALLOWED": CODES["10218"],
        "REQUEST_TIMEOUT": _UNKNOWN,
        "DECLINED": _DECLINED,
        "NOT_PERMITTED_TO_FOREIGN_CARD": CODES["10221"],
        "NOT_PERMITTED_TO_INSTALLMENT": CODES["10222"],
        "REQUIRES_DAY_END": _STATE,
        "EXCEEDS_WITHDRAWAL_AMOUNT_LIMIT": _LIMIT,
        "RESTRICTED_CARD": _BLOCKED,
        "EXCEEDS_ALLOWABLE_PIN_TRIES": _LIMIT,
        "INVALID_PIN": _CARD_DATA,
        "ISSUER_OR_SWITCH_INOPERATIVE": _UNKNOWN,
        "INVALID_EXPIRE_YEAR_MONTH": _CARD_DATA,
        "REQUEST_BLOCKED_BY_BANK": _BLOCKED,
        "SALES_AMOUNT_LESS_THAN_AWARD": _DECLINED,
        "INVALID_AMOUNT": CODES["10232"],
        "INVALID_CARD_TYPE": _NOT_PERMITTED,
        "NOT_SUFFICIENT_AWARD": CODES["10234"],
        "AMEX_CAN_USE_ONLY_MR": _DECLINED,
        "TIMEOUT": _UNKNOWN,
        "REMOTE_ERROR": _UNKNOWN,
        "LOCAL_ERROR": _UNKNOWN,
        "LOCAL_DECLINE": _DECLINED,
        "REMOTE_DECLINE": _DECLINED,
        "REFUND_DECLINE": _UNKNOWN,
        "EXCEEDED_TRANSACTION_AMOUNT": _LIMIT,
    }
)

_ADVICE: Final[Mapping[FailureClass, str]] = MappingProxyType(
    {
        FailureClass.DECLINED: "declined; the payer may use another card or correct the card data",
        FailureClass.INVALID: "iyzico found the request wrong; look the code up in its error table and correct it",
        FailureClass.CONFIGURATION: "the account or its keys do not allow it; correct them in iyzico's merchant panel",
        FailureClass.STATE: "it is not in a state that allows that; query it first",
        FailureClass.THROTTLED: "too many requests; iyzico performed nothing",
        FailureClass.TRANSIENT: "iyzico is passingly unable and performed nothing",
        FailureClass.UNKNOWN: "iyzico cannot say whether it was performed; ask for the status",
    }
)
_OWN_FAULTS: Final = frozenset({"1", "2", "100001"})
"""System errors of iyzico itself. The other unknown outcomes come from one bank behind it."""
_CODE: Final = re.compile(r"[0-9]{1,9}")
_FIRST_BANK_CODE: Final = 10_000
_LAST_BANK_CODE: Final = 10_999


def meaning_of(code: str | None, group: str | None) -> Meaning:
    """What a failure means. Unlisted codes: below 10000 the request is wrong, 10xxx is a decline, else nobody knows."""
    by_group = GROUPS.get(group or "")
    known = CODES.get(code or "")
    if _UNKNOWN in {by_group, known}:
        return _UNKNOWN
    return known or by_group or _by_range(code)


def refusal(reply: Envelope) -> Outcome:
    """The outcome of a call whose `status` is `failure`."""
    reason, failure = meaning_of(reply.error_code, reply.error_group)
    return Outcome(
        verdict=Verdict.UNKNOWN if failure is FailureClass.UNKNOWN else Verdict.REFUSED,
        reference=reply.payment_id,
        reason=reason,
        failure=failure,
        detail=f"{_ADVICE[failure]} (iyzico code {reply.error_code or 'missing'})",
        their_code=reply.error_code,
        their_group=reply.error_group,
        their_fault=reply.error_code in _OWN_FAULTS,
    )


def _by_range(code: str | None) -> Meaning:
    if code is None or not _CODE.fullmatch(code):
        return _UNKNOWN
    number = int(code)
    if number < _FIRST_BANK_CODE:
        return _INVALID
    return _DECLINED if number <= _LAST_BANK_CODE else _UNKNOWN
