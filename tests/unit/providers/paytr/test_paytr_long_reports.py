"""A long day comes in pages, though PayTR gives it whole."""

from typing import Any

import pytest

from providers.connector import Attempt, Unsayable
from providers.payments.paytr import reports
from providers.payments.paytr.reports import ReportReply, read_payouts, read_transactions
from schemas.ids import new_id
from schemas.payments import Payment
from schemas.payments.resources import ListPayouts, ListTransactions
from tests.resource_builders import DAY

ATTEMPT = Attempt(new_id(), 1, "ref", Payment(payment_id=new_id()))
_SALE = {"islem_tipi": "S", "islem_tutari": "12.50", "para_birimi": "TL"}
_PAID = {"payment": "12.50", "currency": "TL"}


def a_day(rows: int) -> ReportReply:
    # Every other order stands twice: the numbers that tell the two apart have to be the same on every page.
    sales = [_SALE | {"siparis_no": f"order{row // 2}"} for row in range(rows)]
    return ReportReply.model_validate({"status": "success", "rows": sales})


def pages_of(read: Any, kind: type[Any], reply: ReportReply) -> list[tuple[Any, str | None]]:
    pages, cursor = [], None
    while True:
        command = kind(resource_id=new_id(), day=DAY, cursor=cursor)
        details = read(reply, command, ATTEMPT).details
        rows = getattr(details, "transactions", None) or getattr(details, "payouts", None) or ()
        pages.append((rows, details.next_cursor))
        cursor = details.next_cursor
        if cursor in {None, reports.RETURNED}:
            return pages


def test_every_movement_of_a_long_day_stands_on_one_page_under_a_name_of_its_own() -> None:
    pages = pages_of(read_transactions, ListTransactions, a_day(1_201))
    assert [(len(rows), cursor) for rows, cursor in pages] == [(500, "500"), (500, "1000"), (201, None)]
    names = [one.transaction_reference for rows, _ in pages for one in rows]
    assert len(set(names)) == 1_201


def test_a_short_day_is_one_page() -> None:
    for rows in (1, 500):
        assert [cursor for _, cursor in pages_of(read_transactions, ListTransactions, a_day(rows))] == [None]
    assert pages_of(read_transactions, ListTransactions, ReportReply(status="failed")) == [((), None)]


def test_what_came_back_is_the_page_after_the_last_of_the_payouts() -> None:
    paid = [_PAID | {"merchant_oid": f"order{row}"} for row in range(501)]
    pages = pages_of(read_payouts, ListPayouts, ReportReply.model_validate({"status": "success", "rows": paid}))
    assert [(len(rows), cursor) for rows, cursor in pages] == [(500, "500"), (1, reports.RETURNED)]


@pytest.mark.parametrize("cursor", ["0", "499", "x", "returned", "-500", "1e3", "\u0665\u0660\u0660"])
def test_a_cursor_of_nobody_s_is_refused_before_anything_is_asked(cursor: str) -> None:
    command = ListTransactions.model_construct(resource_id=new_id(), day=DAY, cursor=cursor)
    with pytest.raises(Unsayable):
        reports.build_transactions(command, ATTEMPT)
