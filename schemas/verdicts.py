"""The four words a command can end in."""

from enum import StrEnum


class Verdict(StrEnum):
    """How a command ended. `pending` concludes the command; what becomes of the payment is a later fact."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    PENDING = "pending"
    UNKNOWN = "unknown"


class FailureClass(StrEnum):
    """What kind of failure stands behind a refusal or an unknown outcome; it decides who has to act."""

    DECLINED = "declined"
    """The payer may use another card or correct the card data."""
    INVALID = "invalid"
    """The request was wrong; repeating it unchanged cannot help."""
    CONFIGURATION = "configuration"
    """A person must change something in the account or in the keys."""
    STATE = "state"
    """The payment is not in a state that allows the operation."""
    THROTTLED = "throttled"
    """Nothing was performed, a later try may succeed."""
    TRANSIENT = "transient"
    """Nothing was performed, the fault is passing."""
    UNKNOWN = "unknown"
    """It may have been performed."""
