"""What a payer's browser brings back from a bank's page, once the connector has looked at it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReturnVerdict:
    """What the returned fields come to.

    Attributes:
        verified: the provider signed them; otherwise anybody may have written them, and nothing in them is believed.
        completes: a `CompleteThreeDSecure` is worth publishing. Of verified ones: the payer was authenticated. Of
            others: the provider knows by itself whether the payer agreed, and moves nothing otherwise.
        reference: the provider's own id of the payment that they are about.
    """

    verified: bool
    completes: bool = False
    reference: str | None = None
