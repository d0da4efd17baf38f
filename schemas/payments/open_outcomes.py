"""Commands whose outcome is not known, and what people say about them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Frozen, NoNul, Text, Token
from schemas.envelope import UtcTime
from schemas.money import Money

Person = Annotated[str, Field(min_length=1, max_length=200), NoNul]
"""Who intervenes, as they call themselves."""


class OpenCommand(Frozen):
    """A command of a payment that ended as `unknown` or `pending`, with all that its outcome would change."""

    command_id: UUID
    command_type: str
    verdict: Literal["pending", "unknown"]
    amount: Money | None = None
    """What was to be moved."""
    reference: str | None = None
    """The reference that we sent with it."""
    order_id: Token | None = None
    capture: Literal["auto", "manual"] | None = None
    line_id: Token | None = None
    deadline: UtcTime | None = None
    """Of a creation that waits for its payer: until when it does."""


class ResolutionProposal(Frozen):
    """What one person says about an outcome, while a second one has to agree."""

    of_command_id: UUID
    verdict: Literal["accepted", "refused"]
    provider_reference: Token | None = None
    amount: Money | None = None
    capture: Literal["auto", "manual"] | None = None
    by: Person
    evidence: Text
