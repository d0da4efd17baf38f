"""`payment_source` of an order: which instrument it names, and where the payer has to go first."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any, Final

from infra.sandbox.paypal.call import Call
from infra.sandbox.paypal.instruments import Instrument, read_card, read_instrument
from infra.sandbox.paypal.records import find
from infra.sandbox.paypal.refusing import Json, invalid, unprocessable

_FIELD: Final = "/payment_source"


@dataclass(frozen=True, slots=True)
class Source:
    """How an order is to be paid.

    Attributes:
        instrument: none where the payer chooses it on PayPal's page.
        needs_payer: nothing moves before the payer was on the page.
        shown: the part of the answer that is known before it is paid.
        keep: what the vault is asked to do with it, if anything.
    """

    instrument: Instrument | None
    needs_payer: bool
    return_url: str = ""
    cancel_url: str = ""
    shown: Json | None = None
    keep: Json | None = None


def read_source(connection: sqlite3.Connection, call: Call) -> Source | None:
    """What the body says; `None` where the order is paid on PayPal's page, and nothing is said of it.

    Raises:
        Refused: it is written wrongly, is none of the account's, or PayPal does not take it here.
    """
    given = call.body.get("payment_source")
    if given is None:
        context = call.body.get("application_context")
        back = context if isinstance(context, dict) else {}
        return _back_to(Source(None, needs_payer=True), back) if back else None
    if not isinstance(given, dict) or len(given) != 1:
        raise invalid("INVALID_PARAMETER_SYNTAX", _FIELD)
    ((kind, source),) = given.items()
    if kind not in {"paypal", "card"} or not isinstance(source, dict):
        raise invalid("NOT_SUPPORTED", f"{_FIELD}/{kind}", "The sandbox takes paypal and card alone.")
    context = source.get("experience_context") or {}
    keep = _keep(call, source)
    if kind == "paypal":
        return _back_to(_wallet(connection, source, keep), context)
    return _back_to(_card(connection, call, source, keep), context)


def _wallet(connection: sqlite3.Connection, source: Json, keep: Json | None) -> Source:
    if "vault_id" in source:
        kept = _kept(connection, source["vault_id"], "paypal")
        return Source(kept, needs_payer=False, shown={"paypal": kept.shown})
    return Source(None, needs_payer=True, shown={"paypal": {}}, keep=keep)


def _card(connection: sqlite3.Connection, call: Call, source: Json, keep: Json | None) -> Source:
    call.need("cards")
    if "vault_id" in source:
        instrument, keep = _kept(connection, source["vault_id"], "card"), None
    else:
        instrument = read_card(source, f"{_FIELD}/card")
    attributes = source.get("attributes") or {}
    method = (attributes.get("verification") or {}).get("method")
    absent = (source.get("stored_credential") or {}).get("payment_initiator") == "MERCHANT"
    asked = (method in {"SCA_ALWAYS", "3D_SECURE"} or instrument.asks_payer) and not absent
    instrument = replace(instrument, asks_payer=asked)
    return Source(instrument, needs_payer=asked, shown={"card": instrument.shown}, keep=keep)


def _kept(connection: sqlite3.Connection, vault_id: Any, kind: str) -> Instrument:
    token = find(connection, "payment_token", vault_id) if isinstance(vault_id, str) else None
    if token is None:
        raise unprocessable("TOKEN_ID_NOT_FOUND", "The vault has no such id.", field=f"{_FIELD}/{kind}/vault_id")
    instrument = read_instrument(token.body["_instrument"])
    if instrument.kind != kind:
        raise unprocessable("MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE", field=f"{_FIELD}/{kind}/vault_id")
    return instrument


def _keep(call: Call, source: Json) -> Json | None:
    attributes = source.get("attributes") or {}
    vault = attributes.get("vault") or {}
    if vault.get("store_in_vault") != "ON_SUCCESS":
        return None
    if "vault" not in call.store.permissions:
        raise unprocessable("NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE")
    return {"customer": (attributes.get("customer") or {}).get("id")}


def _back_to(source: Source, context: Json) -> Source:
    back, away = (str(context.get(name) or "") for name in ("return_url", "cancel_url"))
    return replace(source, return_url=back, cancel_url=away)
