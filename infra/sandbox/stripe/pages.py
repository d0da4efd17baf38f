"""What a buyer's browser is shown, and where it is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from infra.sandbox.html import page, paragraph
from infra.sandbox.stripe.amounts import THOUSANDTHS, WHOLE
from infra.sandbox.stripe.call import Call


@dataclass(frozen=True, slots=True)
class Shown:
    """An HTML page."""

    html: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The browser goes elsewhere."""

    url: str


Walk = Callable[[Call], Shown | Leave]


def over(text: str) -> Shown:
    """A page on which nothing is left to do."""
    return Shown(page("Stripe", paragraph(text)))


def amount_shown(amount: int, currency: str) -> str:
    decimals = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    digits = str(amount).rjust(decimals + 1, "0")
    told = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return paragraph(f"Amount: {told} {currency}")


def with_query(url: str, added: Mapping[str, str]) -> str:
    """An address with something more in its query."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))
