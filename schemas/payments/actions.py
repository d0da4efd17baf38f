"""What the payer has to do next, on the way to a payment: a tagged union on `kind`.

What stands here is for the payer's browser. It holds no card number; the words of a bank's page are passed on unread.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Frozen, NoNul

Url = Annotated[str, Field(max_length=2_000, pattern=r"^https?://[!-~]+$")]


class Redirect(Frozen):
    """Send the browser there."""

    kind: Literal["redirect"] = "redirect"
    url: Url


class ShowPage(Frozen):
    """Give the browser this HTML document unchanged: it leads on to the bank by itself."""

    kind: Literal["page"] = "page"
    html: Annotated[str, Field(min_length=1, max_length=200_000), NoNul]


class ShowFrame(Frozen):
    """Show the page in a frame of the shop's own page, as the provider asks for."""

    kind: Literal["frame"] = "frame"
    url: Url


class TransferMoney(Frozen):
    """Let the payer transfer the money; the page tells to which account and under which reference."""

    kind: Literal["bank_transfer"] = "bank_transfer"
    url: Url


NextAction = Annotated[Redirect | ShowPage | ShowFrame | TransferMoney, Field(discriminator="kind")]
