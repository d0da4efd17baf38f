"""What may be told of a card."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen


class CardSummary(Frozen):
    """What may be kept of a card (PCI DSS 3.4: at most the first six or eight and the last four digits)."""

    association: str | None = None
    card_type: str | None = None
    family: str | None = None
    bin_number: Annotated[str, Field(pattern=r"^[0-9]{6,8}$")] | None = None
    last_four: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
