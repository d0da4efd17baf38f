"""PayPal's own books: transactions, which show hours later, and balances.

Source: the published OpenAPI files, Transaction Search v1; developer.paypal.com, Transaction event codes.
"""

import sqlite3
from collections import defaultdict
from typing import Final

from infra.sandbox.paypal.amounts import Sum
from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.dates import in_range, read_range, read_time
from infra.sandbox.paypal.disputes import withheld
from infra.sandbox.paypal.paging import page_of
from infra.sandbox.paypal.records import Movement, all_movements, find
from infra.sandbox.paypal.refusing import Json, invalid

_LONGEST_MS: Final = 31 * 24 * 3_600_000
_CODES: Final = {
    "capture": "T0006",
    "sale": "T0002",
    "refund": "T1107",
    "dispute": "T1201",
    "dispute_returned": "T1202",
}
_PRIMARY: Final = "USD"


def list_transactions(connection: sqlite3.Connection, call: Call) -> Answer:
    call.need("reports")
    wanted = read_range(call, "start_date", "end_date")
    if wanted[1] - wanted[0] > _LONGEST_MS:
        raise invalid("INVALID_PARAMETER_VALUE", "end_date", "The range is more than 31 days.")
    known_ms = call.now_ms - round(call.store.report_lag_s * 1000)
    movements = [one for one in all_movements(connection) if one.at_ms <= known_ms and in_range(one.at_ms, wanted)]
    fees = {one.reference: one for one in movements if one.kind == "fee"}
    rows = [one for one in movements if one.kind != "fee" and _is_asked_for(call, one)]
    page = page_of(call, rows, usual=100, most=500)
    body = {
        "transaction_details": [_detail(connection, one, fees.get(one.reference)) for one in page.shown],
        "account_number": call.store.merchant_id,
        "start_date": moment(wanted[0]),
        "end_date": moment(wanted[1]),
        "last_refreshed_datetime": moment(known_ms),
        "page": page.number,
        "total_items": page.total_items,
        "total_pages": page.total_pages,
        "links": page.links(call),
    }
    return Answer(200, body)


def list_balances(connection: sqlite3.Connection, call: Call) -> Answer:
    call.need("reports")
    at_ms = read_time(call, "as_of_time") + 999 if "as_of_time" in call.query else call.now_ms
    totals: defaultdict[str, int] = defaultdict(int)
    for movement in all_movements(connection):
        if movement.at_ms <= at_ms:
            totals[movement.currency] += movement.amount_minor
    held = withheld(connection)
    wanted = call.query.get("currency_code")
    currencies = sorted({*totals, *held} or {_PRIMARY}) if wanted in {None, "ALL"} else [str(wanted)]
    body = {
        "balances": [
            _balance(currency, totals[currency], held.get(currency, 0), primary=currency == currencies[0])
            for currency in currencies
        ],
        "account_id": call.store.merchant_id,
        "as_of_time": moment(at_ms),
        "last_refresh_time": moment(call.now_ms),
    }
    return Answer(200, body)


def _is_asked_for(call: Call, movement: Movement) -> bool:
    asked = {
        "transaction_id": movement.reference,
        "transaction_currency": movement.currency,
        "transaction_type": _CODES[movement.kind],
        "transaction_status": "S",
    }
    return all(call.query.get(name, value) == value for name, value in asked.items())


def _detail(connection: sqlite3.Connection, movement: Movement, fee: Movement | None) -> Json:
    amount = Sum(movement.currency, movement.amount_minor)
    told: Json = {
        "transaction_id": movement.reference.replace("-", ""),
        "transaction_event_code": _CODES[movement.kind],
        "transaction_initiation_date": moment(movement.at_ms),
        "transaction_updated_date": moment(movement.at_ms),
        "transaction_amount": amount.written(),
        "transaction_status": "S",
        **_about(connection, movement),
    }
    if fee is not None:
        told["fee_amount"] = amount.of(fee.amount_minor).written()
    named = {"custom_field": movement.custom_id, "invoice_id": movement.invoice_id}
    return {"transaction_info": told | {name: value for name, value in named.items() if value is not None}}


def _about(connection: sqlite3.Connection, movement: Movement) -> Json:
    """What it refers to: a capture its order, a refund its capture, a sale its subscription."""
    if movement.kind == "refund":
        refund = find(connection, "refund", movement.reference)
        reference, kind = (refund.parent if refund else None), "TXN"
    else:
        reference, kind = movement.about, {"sale": "SUB", "capture": "ODR"}.get(movement.kind, "TXN")
    if reference is None:
        return {}
    return {"paypal_reference_id": reference.replace("-", ""), "paypal_reference_id_type": kind}


def _balance(currency: str, total: int, held: int, *, primary: bool) -> Json:
    amounts = {"total_balance": total, "available_balance": total - held, "withheld_balance": held}
    told = {name: Sum(currency, minor).written() for name, minor in amounts.items()}
    return {"currency": currency, "primary": primary, **told}
