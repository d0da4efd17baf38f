"""What a payer's browser brings back from a bank's page, once the connector has looked at it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReturnVerdict:
    """What the returned fields come to.

    Attributes:
        verified: the provider signed them; otherwise anybody may have written them, and they count for nothing.
        completes: the payer was authenticated, so that a `CompleteThreeDSecure` is worth publishing; never without
            `verified`.
        reference: the provider's own id of the payment that they are about; only of verified ones.
    """

    verified: bool
    completes: bool = False
    reference: str | None = None
