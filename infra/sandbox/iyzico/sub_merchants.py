"""Sub-merchants of a marketplace: onboarding, change, look-up. Every operation is a step of the books.

What is wrong with an onboarding is refused with 2001 and the name of the field: the codes behind it are not public.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from infra.sandbox.iyzico.amounts import CURRENCIES
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, one_of, optional_text, text
from infra.sandbox.iyzico.validation import Item

_COMPANY: Final = ("taxOffice", "legalCompanyTitle")
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "PERSONAL": ("contactName", "contactSurname", "identityNumber"),
    "PRIVATE_COMPANY": _COMPANY,
    "LIMITED_OR_JOINT_STOCK_COMPANY": (*_COMPANY, "taxNumber"),
}
_ALWAYS: Final = ("email", "gsmNumber", "address")
_WORDS: Final = ("name", "iban", "swiftCode", "subMerchantExternalId", *_ALWAYS, *_COMPANY, "taxNumber")
_KEPT: Final = (*_WORDS, "contactName", "contactSurname", "identityNumber", "subMerchantType", "currency")


def create(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /onboarding/submerchant: an external id is taken once."""
    external_id = text(call.body, "subMerchantExternalId", missing="2001", at_most=255, too_long="2001")
    details = _read(call.body)
    if _key_of(connection, external_id) is not None:
        raise Refused("2001", detail="subMerchantExternalId is taken")
    key = secrets.token_urlsafe(24)
    connection.execute(
        "INSERT INTO sub_merchant (sub_merchant_key, external_id, details) VALUES (?, ?, ?)",
        (key, external_id, json.dumps(details)),
    )
    return {"subMerchantKey": key}


def update(connection: sqlite3.Connection, call: Call) -> Result:
    """PUT /onboarding/submerchant: what is sent replaces what was there; the type stays."""
    key = text(call.body, "subMerchantKey", missing="2001")
    known = details_of(connection, key)
    sent = {name: call.body[name] for name in _KEPT if call.body.get(name) is not None}
    kept = {"subMerchantType": known["subMerchantType"], "subMerchantExternalId": known["subMerchantExternalId"]}
    details = _read(known | sent | kept)
    connection.execute("UPDATE sub_merchant SET details = ? WHERE sub_merchant_key = ?", (json.dumps(details), key))
    return {}


def retrieve(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /onboarding/submerchant/detail, by the merchant's own id for it."""
    key = _key_of(connection, text(call.body, "subMerchantExternalId", missing="2001"))
    if key is None:
        raise Refused("2001", detail="no sub-merchant has this subMerchantExternalId")
    return {**details_of(connection, key), "subMerchantKey": key}


def details_of(connection: sqlite3.Connection, key: str) -> dict[str, str]:
    """What was said at its onboarding; 2001 when nobody has this key."""
    row = connection.execute("SELECT details FROM sub_merchant WHERE sub_merchant_key = ?", (key,)).fetchone()
    if row is None:
        raise Refused("2001", detail="subMerchantKey is unknown")
    details: dict[str, str] = json.loads(row[0])
    return details


def check_sub_merchants(connection: sqlite3.Connection, items: Iterable[Item]) -> None:
    """2001 when a line names a sub-merchant that is not there."""
    for key in {item.sub_merchant_key for item in items if item.sub_merchant_key is not None}:
        details_of(connection, key)


def _key_of(connection: sqlite3.Connection, external_id: str) -> str | None:
    row = connection.execute(
        "SELECT sub_merchant_key FROM sub_merchant WHERE external_id = ?", (external_id,)
    ).fetchone()
    return None if row is None else str(row[0])


def _read(body: Json) -> dict[str, object]:
    kind = one_of(body, "subMerchantType", frozenset(_WANTED), None, code="2001")
    for name in (*_ALWAYS, *_WANTED[kind]):
        text(body, name, missing="2001", too_long="2001")
    one_of(body, "currency", CURRENCIES, "TRY", code="2001")
    for name in _WORDS:
        optional_text(body, name, too_long="2001")
    return {name: body[name] for name in _KEPT if body.get(name) is not None}
