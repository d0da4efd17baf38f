"""The three reports. A payment is paid out on the day after it was paid; refunds are taken off that day's payout.

Source: dev.paytr.com, Transaction detail, Payment statement, Payment detail; row names of the first as seen in use.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.cards import CARD_BY_NAME
from infra.sandbox.paytr.dates import DAY, DAY_MS, DOTTED_DAY, MOMENT, day_of, read_span, written
from infra.sandbox.paytr.records import BookedPayment, all_payments, all_refunds
from infra.sandbox.paytr.refusing import Json
from infra.sandbox.paytr.status import amount_text
from infra.sandbox.paytr.store import Store
from infra.sandbox.paytr.transfers import listed

_MOST_DAYS_OF_TRANSACTIONS: Final = 3
_MOST_DAYS_OF_PAYOUTS: Final = 31
_IBAN: Final = "TR330006100519786457841326"
_NAME: Final = "Kum Havuzu Ltd."
_NOTHING: Final[Json] = {"status": "failed", "err_msg": "Ilgili tarih araliginda islem bulunamadi"}
_PERCENT: Final = Decimal("0.01")


@dataclass(slots=True)
class _Payout:
    sales_minor: int = 0
    returned_minor: int = 0
    fees_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.sales_minor - self.fees_minor - self.returned_minor


def transactions(connection: sqlite3.Connection, call: Call) -> Result:
    """Sales (S) and refunds (I) of at most three days, in order of time."""
    first_ms, last_ms = read_span(call, MOMENT, _MOST_DAYS_OF_TRANSACTIONS)
    if call.flag("dummy"):
        return listed(call.store, [_dummy_row()])
    payments = {payment.payment_id: payment for payment in all_payments(connection)}
    found: list[tuple[int, Json]] = [
        (payment.decided_ms, _sale(call.store, payment, payment.decided_ms))
        for payment in payments.values()
        if payment.state == "paid" and payment.decided_ms is not None
    ]
    found += [
        (done.created_ms, _row(call.store, payments[done.payment_id], "I", done.amount_minor, done.created_ms))
        for done in all_refunds(connection)
    ]
    rows = [row for at_ms, row in sorted(found, key=lambda pair: pair[0]) if first_ms <= at_ms <= last_ms]
    return listed(call.store, rows) if rows else _NOTHING


def payouts(connection: sqlite3.Connection, call: Call) -> Result:
    """One row for each day's payout of at most 31 days, and what is still to come in `future_payments`."""
    first_ms, last_ms = read_span(call, DAY, _MOST_DAYS_OF_PAYOUTS)
    rows: list[Json] = []
    coming: list[Json] = []
    for (at_day, currency), payout in sorted(_payouts(connection).items()):
        at_ms, _ = day_of(at_day)
        sums = [amount_text(call.store, x) for x in (payout.sales_minor, payout.returned_minor, payout.net_minor)]
        if at_ms > call.now_ms:
            names = ("sale_amounts", "return_amounts", "net_amounts")
            coming.append({"date": at_day, "currency": currency, **dict(zip(names, sums, strict=True))})
        elif first_ms <= at_ms <= last_ms:
            named = dict(zip(("sales", "return", "net"), sums, strict=True))
            rows.append({"date_paid": at_day, "currency": currency, "merchant_iban": _IBAN, **named})
    if not rows and not coming:
        return _NOTHING
    return listed(call.store, rows) | ({"future_payments": coming} if coming else {})


def payout_detail(connection: sqlite3.Connection, call: Call) -> Result:
    """The payments of one day's payout."""
    first_ms, last_ms = day_of(call.form["date"])
    rows: list[Json] = [
        {
            "merchant_oid": payment.merchant_oid,
            "merchant_iban": _IBAN,
            "merchant_name": _NAME,
            "payment": amount_text(call.store, payment.paid_minor - payment.fee_minor),
            "currency": payment.currency,
        }
        for payment in all_payments(connection)
        if payment.state == "paid" and first_ms <= (payment.decided_ms or 0) + DAY_MS <= last_ms
    ]
    return listed(call.store, rows) if rows else _NOTHING


def _payouts(connection: sqlite3.Connection) -> dict[tuple[str, str], _Payout]:
    days: defaultdict[tuple[str, str], _Payout] = defaultdict(_Payout)
    payments = {payment.payment_id: payment for payment in all_payments(connection)}
    for payment in payments.values():
        if payment.state == "paid" and payment.decided_ms is not None:
            payout = days[written(payment.decided_ms + DAY_MS, DAY), payment.currency]
            payout.sales_minor += payment.paid_minor
            payout.fees_minor += payment.fee_minor
    for done in all_refunds(connection):
        payout = days[written(done.created_ms + DAY_MS, DAY), payments[done.payment_id].currency]
        payout.returned_minor += done.amount_minor
    return days


def _sale(store: Store, payment: BookedPayment, at_ms: int) -> Json:
    ratio = Decimal(payment.fee_minor * 100) / payment.paid_minor
    return _row(store, payment, "S", payment.paid_minor, at_ms) | {
        "net_tutar": amount_text(store, payment.paid_minor - payment.fee_minor),
        "kesinti_tutari": amount_text(store, payment.fee_minor),
        "kesinti_orani": str(ratio.quantize(_PERCENT)),
    }


def _row(store: Store, payment: BookedPayment, kind: str, amount_minor: int, at_ms: int) -> Json:
    card = CARD_BY_NAME.get(payment.card_name or "")
    return {
        "islem_tipi": kind,
        "islem_tutari": amount_text(store, amount_minor),
        "islem_tarihi": written(at_ms, DOTTED_DAY),
        "para_birimi": payment.currency,
        "taksit": str(payment.installment),
        "kart_marka": card.brand if card else "",
        "kart_no": card.masked if card else "",
        "siparis_no": payment.merchant_oid,
        "odeme_tipi": "EFT" if payment.kind == "eft" else "KART",
    }


def _dummy_row() -> Json:
    return {
        "islem_tipi": "S",
        "net_tutar": "97.01",
        "kesinti_tutari": "2.99",
        "kesinti_orani": "2.99",
        "islem_tutari": "100.00",
        "islem_tarihi": "01.01.2021",
        "para_birimi": "TL",
        "taksit": "0",
        "kart_marka": "axess",
        "kart_no": "435508******4358",
        "siparis_no": "DUMMY1",
        "odeme_tipi": "KART",
    }
