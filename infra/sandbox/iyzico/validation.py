"""The payment body, checked field by field before any bank is asked.

Source: iyzico's payment request and its table of validation codes. Limits it does not publish are named in README.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from infra.sandbox.iyzico.amounts import CURRENCIES, read_price
from infra.sandbox.iyzico.cards import passes_luhn
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, one_of, optional_text, section, text

INSTALLMENTS = frozenset({1, 2, 3, 6, 9, 12})
CHANNELS = frozenset(
    "WEB MOBILE MOBILE_WEB MOBILE_IOS MOBILE_ANDROID MOBILE_WINDOWS MOBILE_TABLET MOBILE_PHONE".split()  # noqa: SIM905
)
GROUPS = frozenset({"PRODUCT", "LISTING", "SUBSCRIPTION"})
ITEM_TYPES = frozenset({"PHYSICAL", "VIRTUAL"})

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_IDENTITY = re.compile(r"[0-9A-Za-z]+")
_CARD_NUMBER = re.compile(r"[0-9]{12,19}")
_CVC = re.compile(r"[0-9]{3,4}")
_YEAR = re.compile(r"(?:20)?[0-9]{2}")
_WEB_ADDRESS = re.compile(r"https?://[^\s\"<>]+")
_MONTH = re.compile(r"0?[1-9]|1[0-2]")


@dataclass(frozen=True, slots=True)
class CardUse:
    """Either `number`, already checked, or a stored card by `user_key` and `token`."""

    number: str | None
    user_key: str | None
    token: str | None
    register: bool
    alias: str | None


NO_CARD = CardUse(None, None, None, register=False, alias=None)


class Item(NamedTuple):
    """One line of a basket, and what of its price is a sub-merchant's."""

    item_id: str
    price_minor: int
    sub_merchant_key: str | None = None
    sub_merchant_minor: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """A payment that may be put to the bank."""

    conversation_id: str | None
    basket_id: str | None
    currency: str
    price_minor: int
    paid_minor: int
    installment: int
    items: tuple[Item, ...]
    card: CardUse
    email: str


def read_order(body: Json, now_ms: int) -> Order:
    """The whole payment body.

    Raises:
        Refused: the first field that is wrong, under its own code.
    """
    card = read_card_use(section(body, "paymentCard"), now_ms)
    return _read_order(body, card, read_installment(body.get("installment", 1)))


def read_order_without_card(body: Json) -> Order:
    """The body of a hosted page's start: the buyer chooses card and instalments there.

    Raises:
        Refused: the first field that is wrong, under its own code.
    """
    return _read_order(body, NO_CARD, 1)


def read_callback_url(body: Json) -> str:
    """Where the buyer's browser is to return; 23 when it is missing, 11 when it is no web address."""
    url = text(body, "callbackUrl", missing="23", at_most=2000)
    if not _WEB_ADDRESS.fullmatch(url):
        raise Refused("11", detail="callbackUrl must begin with https:// or http://")
    return url


def _read_order(body: Json, card: CardUse, installment: int) -> Order:
    conversation_id = optional_text(body, "conversationId", at_most=255, too_long="20")
    price = read_price(body.get("price"), "price")
    paid = read_price(body.get("paidPrice"), "paidPrice")
    currency = one_of(body, "currency", CURRENCIES, "TRY")
    one_of(body, "paymentChannel", CHANNELS, "WEB")
    group = one_of(body, "paymentGroup", GROUPS, "PRODUCT")
    email = _check_buyer(section(body, "buyer"))
    check_address(section(body, "billingAddress", missing="24"), "billingAddress")
    items, physical = _read_items(body.get("basketItems"), group)
    if physical:
        check_address(section(body, "shippingAddress", missing="24"), "shippingAddress")
    if sum(item.price_minor for item in items) != price:
        raise Refused("5062")
    basket_id = optional_text(body, "basketId", at_most=255)
    return Order(conversation_id, basket_id, currency, price, paid, installment, items, card, email)


def read_card_use(card: Json, now_ms: int) -> CardUse:
    """A raw card or a stored one; a token without its user key is refused with 5111."""
    if card.get("cardToken") is not None or (card.get("cardUserKey") is not None and card.get("cardNumber") is None):
        user_key = text(card, "cardUserKey", missing="5111")
        return CardUse(None, user_key, text(card, "cardToken", missing="3002"), register=False, alias=None)
    number = check_raw_card(card, now_ms)
    if not _CVC.fullmatch(optional_text(card, "cvc") or ""):
        raise Refused("15", detail="cvc")
    register = card.get("registerCard") in (1, "1")
    alias = optional_text(card, "cardAlias", at_most=100, too_long="21")
    return CardUse(number, optional_text(card, "cardUserKey"), None, register, alias)


def check_raw_card(card: Json, now_ms: int) -> str:
    """Holder, number and expiry of a raw card, the CVC aside; returns the number."""
    text(card, "cardHolderName", missing="16", at_most=100, too_long="19")
    number = text(card, "cardNumber", missing="12")
    if not _CARD_NUMBER.fullmatch(number) or not passes_luhn(number):
        raise Refused("12", detail="cardNumber")
    month = optional_text(card, "expireMonth") or ""
    if not _MONTH.fullmatch(month):
        raise Refused("13", detail="expireMonth")
    year = optional_text(card, "expireYear") or ""
    if not _YEAR.fullmatch(year):
        raise Refused("14", detail="expireYear")
    today = datetime.fromtimestamp(now_ms // 1000, UTC)
    if (2000 + int(year) % 100, int(month)) < (today.year, today.month):
        raise Refused("17")
    return number


def check_email(source: Json) -> str:
    email = text(source, "email", missing="3", at_most=255, too_long="4")
    if not _EMAIL.fullmatch(email):
        raise Refused("5", detail="email")
    return email


def read_installment(value: object) -> int:
    """The number of instalments, as a number or as text."""
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number not in INSTALLMENTS:
        raise Refused("11", detail=f"installment must be one of {sorted(INSTALLMENTS)}")
    return number


def check_identity(person: Json) -> None:
    """A Turkish identity number, or that of a passport."""
    identity = text(person, "identityNumber", missing="8", at_most=50, too_long="9")
    if len(identity) < 5:  # noqa: PLR2004 -- the shortest passport number
        raise Refused("10", detail="identityNumber")
    if not _IDENTITY.fullmatch(identity):
        raise Refused("18", detail="identityNumber")


def _check_buyer(buyer: Json) -> str:
    for name in ("id", "name", "surname", "registrationAddress", "city", "country"):
        text(buyer, name)
    check_identity(buyer)
    # Older texts leave the phone out, so its absence passes; an empty one does not.
    if "gsmNumber" in buyer:
        text(buyer, "gsmNumber", missing="25")
    optional_text(buyer, "ip", at_most=45, too_long="22")
    return check_email(buyer)


def check_address(address: Json, name: str) -> None:
    """The four fields that every address has."""
    for field in ("address", "contactName", "city", "country"):
        try:
            text(address, field)
        except Refused as refused:
            raise Refused(refused.code, detail=f"{name}.{refused.detail}") from None


def _read_items(value: object, group: str) -> tuple[tuple[Item, ...], bool]:
    if not isinstance(value, list) or not value:
        raise Refused("24", detail="basketItems")
    items, physical = [], False
    for index, one in enumerate(value):
        source = section({"item": one}, "item")
        item_id = text(source, "id")
        text(source, "name")
        text(source, "category1")
        physical |= one_of(source, "itemType", ITEM_TYPES, None, code="5057") == "PHYSICAL"
        price = read_price(source.get("price"), f"basketItems[{index}].price")
        items.append(Item(item_id, price, *_read_share(source, price)))
    shared = sum(item.sub_merchant_key is not None for item in items)
    if shared and group != "PRODUCT":
        raise Refused("5079")
    if shared not in (0, len(items)):
        raise Refused("5077")
    return tuple(items), physical


def _read_share(item: Json, price_minor: int) -> tuple[str | None, int]:
    key = optional_text(item, "subMerchantKey")
    if key is None:
        return None, 0
    return key, read_share(item, price_minor)


def read_share(source: Json, price_minor: int) -> int:
    """A sub-merchant's share of a line in minor units: above zero, at most the line's price."""
    share = read_price(source.get("subMerchantPrice"), "subMerchantPrice")
    if share > price_minor:
        raise Refused("11", detail="subMerchantPrice is above the price")
    return share
