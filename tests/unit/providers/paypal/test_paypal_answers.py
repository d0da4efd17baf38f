"""What PayPal's answers come to: days of transactions, orders with declines in them, moments."""

from dataclasses import replace
from typing import Any

import pytest

from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.moments import moment
from providers.payments.paypal.order import OrderReply, performed
from providers.payments.paypal.query import read_query
from schemas.payments.resources import (
    ListTransactions,
    TransactionPage,
)
from tests import builders
from tests.conformance.samples import a_command, an_attempt

ORDER = "5O190127TN364715T"


def _listed(said: dict[str, Any], pages: int = 1) -> TransactionPage:
    operation = CONNECTOR.operation_for(ListTransactions)
    assert operation is not None
    told = {"transaction_details": [{"transaction_info": said}], "total_pages": pages}
    page = operation.read(operation.reply.model_validate(told), a_command(ListTransactions), an_attempt()).details
    assert isinstance(page, TransactionPage)
    return page


def test_a_transaction_says_which_way_it_went_and_what_is_left_of_it() -> None:
    page = _listed(
        {
            "transaction_id": "T1",
            "transaction_event_code": "T1107",
            "transaction_initiation_date": "2026-11-25T12:00:00Z",
            "transaction_amount": {"currency_code": "EUR", "value": "-4.00"},
            "fee_amount": {"currency_code": "EUR", "value": "0.20"},
            "custom_field": "k0laj0001",
        }
    )
    (found,) = page.transactions
    assert found.fee is not None
    assert found.net is not None
    assert (found.kind, found.amount.minor, found.fee.minor, found.net.minor) == ("refund", 400, 20, 380)
    assert (found.our_reference, page.next_cursor) == ("k0laj0001", None)


@pytest.mark.parametrize(
    ("code", "value", "kind"),
    [
        ("T0006", "1.00", "payment"),
        ("T0006", "-1.00", "other"),
        ("T1201", "-1.00", "chargeback"),
        ("T1107", "1.00", "other"),
        ("T1106", "1.00", "other"),
        ("T0106", "-1", "fee"),
        ("T0400", "-1.00", "transfer"),
        ("T9999", "1.00", "other"),
        ("", "1.00", "other"),
    ],
)
def test_a_movements_kind_is_that_of_its_code(code: str, value: str, kind: str) -> None:
    amount = {"currency_code": "EUR", "value": value}
    said = {"transaction_id": "T1", "transaction_event_code": code, "transaction_amount": amount}
    assert _listed(said, pages=0).transactions[0].kind == kind


def _order(status: str, *captures: str) -> OrderReply:
    amount = {"currency_code": "EUR", "value": "10.99"}
    made = [{"id": f"C{place}", "status": one, "amount": amount} for place, one in enumerate(captures)]
    return OrderReply.model_validate(
        {"id": ORDER, "status": status, "purchase_units": [{"payments": {"captures": made}}]}
    )


def test_a_decline_ends_a_completed_order_and_leaves_an_open_one_to_another_try() -> None:
    attempt = an_attempt("captured")
    attempt = replace(attempt, payment=attempt.payment.model_copy(update={"provider_reference": ORDER}))
    states = [
        read_query(_order(word, "DECLINED"), builders.a_query_payment(), attempt).state
        for word in ("COMPLETED", "APPROVED")
    ]
    assert states == [ProviderState.FAILED, ProviderState.PENDING]


def test_what_was_declined_before_does_not_hide_what_was_taken_afterwards() -> None:
    found = performed(_order("COMPLETED", "DECLINED", "FAILED", "COMPLETED"))
    assert isinstance(found, Outcome)
    assert found.lines[0].provider_reference == "C2"
    with pytest.raises(UnusableAnswer):
        performed(_order("COMPLETED", "COMPLETED", "PENDING"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-25T12:00:00Z", "2026-11-25T12:00:00+00:00"),
        ("2026-11-25T15:00:00+03:00", "2026-11-25T12:00:00+00:00"),
        ("2026-11-25T12:00:00", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_moment_is_told_by_utc_or_not_at_all(text: str | None, told: str | None) -> None:
    found = moment(text)
    assert (None if found is None else found.isoformat()) == told
