"""Calls to us, as far as they were judged where they came in."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen, Token
from schemas.envelope import UtcTime


class Verified(Frozen):
    """That a call was found to be theirs when it came in. It travels with the call; whoever handles it later trusts it.

    A signature is checked once, at the edge: later the secret may have ended and its moment lies too far back.

    Attributes:
        arrived_at: the moment that ages and the ends of secrets were judged by.
        secret_index: which of the live secrets it was signed with; 0 is the newest.
        signed_at: the moment inside the signature, where the scheme has one.
        signed_id: the call's id inside the signature, where the scheme has one; repeats carry the same one.
    """

    arrived_at: UtcTime
    secret_index: Annotated[int, Field(ge=0)]
    signed_at: UtcTime | None = None
    signed_id: Token | None = None
