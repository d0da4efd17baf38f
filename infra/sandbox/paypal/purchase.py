"""What an order is for: its purchase units, read and checked as PayPal does.

Source: the published OpenAPI files, Orders v2; developer.paypal.com, Orders v2 errors.
"""

from typing import Any, Final

from infra.sandbox.paypal.amounts import Sum, read_any_sum, read_sum, stored_sum
from infra.sandbox.paypal.refusing import Json, invalid, unprocessable

_MOST_UNITS: Final = 10
_LONGEST: Final = {"reference_id": 256, "description": 127, "custom_id": 127, "invoice_id": 127, "soft_descriptor": 22}
_PARTS: Final = ("item_total", "shipping", "handling", "tax_total", "insurance")
_DISCOUNTS: Final = ("shipping_discount", "discount")
_INTENTS: Final = frozenset({"CAPTURE", "AUTHORIZE"})


def read_intent(body: Json) -> str:
    intent = body.get("intent")
    if intent is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/intent")
    if intent not in _INTENTS:
        raise invalid("INVALID_PARAMETER_VALUE", "/intent")
    return str(intent)


def read_units(body: Json) -> list[Json]:
    """The purchase units, each with a `reference_id`.

    Raises:
        Refused: there is none or too many, one is written wrongly, or two have one reference.
    """
    units = body.get("purchase_units")
    if units is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/purchase_units")
    if not isinstance(units, list) or not units:
        raise invalid("INVALID_ARRAY_MIN_ITEMS", "/purchase_units")
    if len(units) > _MOST_UNITS:
        raise invalid("INVALID_ARRAY_MAX_ITEMS", "/purchase_units")
    found = [_unit(unit, f"/purchase_units/@reference_id=='{index}'") for index, unit in enumerate(units)]
    if len({unit["reference_id"] for unit in found}) < len(found):
        raise unprocessable("DUPLICATE_REFERENCE_ID", field="/purchase_units")
    if len({unit["amount"]["currency_code"] for unit in found}) > 1:
        raise unprocessable("MULTI_CURRENCY_ORDER", field="/purchase_units")
    return found


def sum_of(unit: Json) -> Sum:
    return stored_sum(unit["amount"])


def _unit(unit: Any, field: str) -> Json:
    if not isinstance(unit, dict):
        raise invalid("INVALID_PARAMETER_SYNTAX", field)
    for name, longest in _LONGEST.items():
        value = unit.get(name)
        if value is not None and (not isinstance(value, str) or not 1 <= len(value) <= longest):
            raise invalid("INVALID_STRING_LENGTH", f"{field}/{name}")
    amount = read_sum(unit.get("amount"), f"{field}/amount")
    _require_sums(unit, amount, f"{field}/amount")
    return {"reference_id": "default", **unit}


def _require_sums(unit: Json, amount: Sum, field: str) -> None:
    """Where the amount is broken down, its parts make it up, and the items theirs."""
    breakdown = unit["amount"].get("breakdown")
    if not isinstance(breakdown, dict):
        return
    parts = {name: read_any_sum(breakdown[name], f"{field}/breakdown/{name}").minor for name in breakdown}
    total = sum(parts.get(name, 0) for name in _PARTS) - sum(parts.get(name, 0) for name in _DISCOUNTS)
    if total != amount.minor:
        raise unprocessable("AMOUNT_MISMATCH", "Should equal the sum of the breakdown.", field=f"{field}/value")
    items = unit.get("items")
    if isinstance(items, list) and items:
        listed = sum(
            read_any_sum(item.get("unit_amount"), f"{field}/items").minor * int(item.get("quantity", "1"))
            for item in items
        )
        if listed != parts.get("item_total"):
            raise unprocessable("ITEM_TOTAL_MISMATCH", field=f"{field}/breakdown/item_total/value")
