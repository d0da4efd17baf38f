"""What PayPal keeps in its vault: cards, and payers' PayPal accounts. A wallet's name has `paypal:` before it.

An order has to say which of the two a vault id is of; ids do not tell, so the name in the hub does.
"""

import re
from typing import Final

from providers.connector import Wire
from providers.notices import named
from schemas.payments import CardSummary, KeptCard

WALLET: Final = "paypal:"
_LAST: Final = re.compile(r"[0-9]{4}")


class Customer(Wire):
    id: str | None = None


class Vault(Wire):
    id: str | None = None
    status: str | None = None
    customer: Customer | None = None


class Attributes(Wire):
    vault: Vault | None = None


class Instrument(Wire):
    """A card or a PayPal account in an answer. Of the latter nothing is read but the vault: the rest is the person."""

    brand: str | None = None
    type: str | None = None
    last_digits: str | None = None
    attributes: Attributes | None = None


def summary_of(card: Instrument | None) -> CardSummary | None:
    if card is None:
        return None
    shown = card.last_digits or ""
    return CardSummary(association=card.brand, card_type=card.type, last_four=shown if _LAST.fullmatch(shown) else None)


def kept_card(card: Instrument | None, wallet: Instrument | None) -> KeptCard | None:
    """What is kept from now on, if the vault has taken it and it can be named: that must not cost the payment."""
    for instrument, before in ((card, ""), (wallet, WALLET)):
        attributes = None if instrument is None else instrument.attributes
        vault = None if attributes is None else attributes.vault
        if vault is None or vault.status != "VAULTED":
            continue
        token = named(before + (vault.id or "")) if vault.id else None
        if token is not None:
            customer = None if vault.customer is None else named(vault.customer.id)
            return KeptCard(card_token=token, customer_key=customer, card=summary_of(card))
    return None
