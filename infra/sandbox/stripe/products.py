"""Products, and the prices that they are sold at.

Source: docs.stripe.com: API reference, Products; Prices.
"""

from typing import Any, Final

from infra.sandbox.stripe.amounts import optional_amount, read_currency
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.refusing import Refused, invalid
from infra.sandbox.stripe.shelf import Document, new_id

PRICE: Final = "price"
_PRODUCT: Final = "product"
_INTERVALS: Final = ("day", "month", "week", "year")
_MOST_MONTHS: Final = 36


def create(call: Call) -> Document:
    fields = call.fields
    identifier = fields.optional("id") or new_id("prod_")[:19]
    name = fields.text("name")
    if call.shelf.find(identifier) is not None:
        raise Refused("Product already exists.", code="resource_already_exists", param="id")
    product = call.shelf.add(
        {
            "id": identifier,
            "object": _PRODUCT,
            "active": fields.flag("active", default=True),
            "created": call.shelf.now_s,
            "default_price": None,
            "description": fields.optional("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": fields.metadata(),
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": call.shelf.now_s,
            "url": None,
        }
    )
    tell(call, "product.created", product)
    return product


def retrieve(call: Call) -> Document:
    return call.shelf.get(_PRODUCT, call.identifier, "id")


def list_products(call: Call) -> Document:
    return listed(call, _PRODUCT, read_page(call, "created"))


def create_price(call: Call) -> Document:
    """Of a product; a lookup key is of one price alone."""
    fields = call.fields
    currency = read_currency(fields)
    product = call.shelf.get(_PRODUCT, fields.text("product"), "product")
    lookup_key = fields.optional("lookup_key")
    if lookup_key is not None and call.shelf.every(PRICE, lookup_key=lookup_key):
        message = "A price already uses that lookup key."
        raise Refused(message, code="resource_already_exists", param="lookup_key")
    price = new_price(
        call, product["id"], currency, fields, lookup_key=lookup_key, nickname=fields.optional("nickname")
    )
    tell(call, "price.created", price)
    return price


def new_price(
    call: Call,
    product: str,
    currency: str,
    fields: Fields,
    *,
    lookup_key: str | None = None,
    nickname: str | None = None,
) -> Document:
    """Raises: Refused: the amount or the interval cannot be."""
    amount = 0 if fields.optional("unit_amount") == "0" else optional_amount(fields, "unit_amount", currency)
    if amount is None:
        raise invalid("Missing required param: unit_amount.", fields.named("unit_amount"), "parameter_missing")
    recurring = _recurring(fields.inner("recurring")) if "recurring" in fields else None
    return call.shelf.add(
        {
            "id": new_id("price_1"),
            "object": PRICE,
            "active": True,
            "billing_scheme": "per_unit",
            "created": call.shelf.now_s,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": lookup_key,
            "metadata": fields.metadata(),
            "nickname": nickname,
            "product": product,
            "recurring": recurring,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time" if recurring is None else "recurring",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )


def retrieve_price(call: Call) -> Document:
    return call.shelf.get(PRICE, call.identifier, "price")


def list_prices(call: Call) -> Document:
    keys = call.fields.texts("lookup_keys")
    if len(keys) > 1:
        raise Refused("This sandbox looks one lookup key up at a time.", param="lookup_keys", executed=False)
    about = {"product": call.fields.optional("product"), "lookup_key": keys[0] if keys else None}
    return listed(call, PRICE, read_page(call, "created"), **about)


def _recurring(fields: Fields) -> dict[str, Any]:
    interval = fields.choice("interval", _INTERVALS)
    if interval is None:
        raise invalid("Missing required param: recurring[interval].", "recurring[interval]", "parameter_missing")
    count = fields.number("interval_count") or 1
    longest = {"day": 1095, "week": 156, "month": _MOST_MONTHS, "year": 3}[interval]
    if not 1 <= count <= longest:
        raise invalid("A period lasts three years at most.", "recurring[interval_count]")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": fields.number("trial_period_days"),
        "usage_type": "licensed",
    }
