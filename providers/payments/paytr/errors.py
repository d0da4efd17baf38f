"""What PayTR's refusals mean to the hub. Numbers and codes decide, never the localised text.

Source: README, "Error numbers".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.outcome import Outcome
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

Meaning = tuple[Reason, FailureClass, str]

RECORD: Final = "PayTR's own words stand in the record of the call"
TOKEN: Final[Meaning] = (
    Reason.INVALID_CREDENTIALS,
    FailureClass.CONFIGURATION,
    "PayTR says that the token is wrong: merchant_key or merchant_salt is not the store's; set them anew",
)
INVALID: Final[Meaning] = (
    Reason.INVALID_REQUEST,
    FailureClass.INVALID,
    f"PayTR refused the request, and gives no number for why; {RECORD}",
)
_PERMISSIONS: Final = "Direct API, payments without 3-D Secure, sync mode, recurring payments, kept cards"
NOT_ENABLED: Final[Meaning] = (
    Reason.CONFIGURATION,
    FailureClass.CONFIGURATION,
    f"PayTR turned the request away; have it enable for the store what is used: {_PERMISSIONS}",
)
DECLINED: Final[Meaning] = (Reason.DECLINED, FailureClass.DECLINED, "the bank said no; ask the payer for another card")
BUSY: Final[Meaning] = (
    Reason.INVALID_STATE,
    FailureClass.STATE,
    "another payment of this buyer is under way at PayTR; send a new command in some minutes",
)
_BEING_PROCESSED: Final = "PayTR still processes the payment; send a new command later"

REFUND: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "000": (Reason.INVALID_STATE, FailureClass.STATE, _BEING_PROCESSED),
        "001": (
            Reason.CONFIGURATION,
            FailureClass.CONFIGURATION,
            "PayTR takes no request of this store: it is not active, or merchant_id is not its number",
        ),
        "002": INVALID,
        "003": INVALID,
        "004": TOKEN,
        "005": (Reason.NOTHING_CAPTURED, FailureClass.STATE, "PayTR knows no successful payment of it; query it"),
        "007": (
            Reason.INVALID_STATE,
            FailureClass.STATE,
            "PayTR's call about the payment was not answered with OK yet; send a new command once it was",
        ),
        "008": (Reason.UNSUPPORTED_METHOD, FailureClass.STATE, "what it was paid with cannot be refunded at PayTR"),
        "009": (
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            "more than is left of the payment at PayTR; query the payment for what was given back",
        ),
        "010": (
            Reason.CONFIGURATION,
            FailureClass.CONFIGURATION,
            "the store's balance at PayTR is too low; pay in or wait for sales, then send a new command",
        ),
        "011": (
            Reason.INVALID_STATE,
            FailureClass.STATE,
            "PayTR refunds within one year; return the money by transfer",
        ),
    }
)

_NAME_OR_ACCOUNT: Final[Meaning] = (
    Reason.INVALID_REQUEST,
    FailureClass.INVALID,
    "PayTR does not take the recipient's name or IBAN: first and last name with a blank between, a Turkish IBAN",
)

TRANSFER: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "001": REFUND["001"],
        "002": (Reason.CONFIGURATION, FailureClass.CONFIGURATION, "the store is no platform; PayTR has to make it one"),
        "003": INVALID,
        "004": TOKEN,
        "005": INVALID,
        "006": REFUND["005"],
        "007": REFUND["007"],
        "008": (Reason.INVALID_STATE, FailureClass.STATE, "PayTR has not settled the payment yet; transfer it later"),
        "010": (
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            "more than is left of the payment to be shared; query the payment for what was given back",
        ),
        "012": (
            Reason.INVALID_AMOUNT,
            FailureClass.INVALID,
            "nothing is left for PayTR's commission; say in of_amount, above amount, what the share is of",
        ),
        "BLK": (Reason.INVALID_STATE, FailureClass.STATE, "PayTR has blocked the payment; ask it why"),
        **dict.fromkeys(("091", "092", "097", "098", "100", "101"), _NAME_OR_ACCOUNT),
        **dict.fromkeys(("095", "096", "099"), INVALID),
    }
)
"""Without 009, a transfer number that was seen before: an earlier send of ours may have been taken."""

FAILED: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "0": DECLINED,
        "1": (Reason.AUTHENTICATION_REQUIRED, FailureClass.DECLINED, "the payer gave no phone number to the bank"),
        "2": (Reason.AUTHENTICATION_REQUIRED, FailureClass.DECLINED, "the payer gave a wrong code to the bank"),
        "3": (Reason.SUSPECTED_FRAUD, FailureClass.DECLINED, "the bank's security check was refused or not possible"),
        "6": (Reason.EXPIRED, FailureClass.DECLINED, "the payer left, or the time ran out"),
        "8": (Reason.INSTALMENTS_NOT_PERMITTED, FailureClass.DECLINED, "this card pays in one part only"),
        "9": (Reason.CARD_NOT_PERMITTED, FailureClass.CONFIGURATION, "the store may not take this card; ask PayTR"),
        "10": (Reason.AUTHENTICATION_REQUIRED, FailureClass.DECLINED, "this card needs 3-D Secure; start it with that"),
        "11": (Reason.SUSPECTED_FRAUD, FailureClass.DECLINED, "PayTR raised a fraud alert; look at the buyer"),
        "99": (Reason.CONFIGURATION, FailureClass.CONFIGURATION, "PayTR met an error of the integration; ask PayTR"),
    }
)
"""`failed_reason_code`: cards' alone; those of bank transfers come only in callbacks."""


def refused(meaning: Meaning, code: str | None = None) -> Outcome:
    reason, failure, detail = meaning
    return Outcome(verdict=Verdict.REFUSED, reason=reason, failure=failure, detail=detail, their_code=code)


def refused_by_number(table: Mapping[str, Meaning], code: str | None) -> Outcome:
    """A refusal with a number. One that was never met says nothing: whether it was performed has to be asked."""
    meaning = table.get(code or "")
    if meaning is not None:
        return refused(meaning, code)
    return Outcome(
        verdict=Verdict.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        failure=FailureClass.UNKNOWN,
        detail=f"PayTR refused with a number that its documents do not have; {RECORD}",
        their_code=code,
    )


def refused_in_words(text: str | None, otherwise: Meaning = INVALID) -> Outcome:
    """A refusal without a number. Its text is read for one thing: the name of the field that signs the request."""
    return refused(TOKEN if "paytr_token" in (text or "") else otherwise)
