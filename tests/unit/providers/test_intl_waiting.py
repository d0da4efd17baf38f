"""What a query says of a payment whose payer has done everything, and which nobody has decided yet."""

import pytest

from providers.connector import Attempt
from providers.outcome import ProviderState
from providers.payments.paypal.order import OrderReply
from providers.payments.paypal.query import read_query as read_order
from providers.payments.stripe.query import QueryReply
from providers.payments.stripe.query import read_query as read_intent
from schemas.payments import QueryPayment, Reason
from tests.conformance.samples import COMMAND_ID, PAYMENT_ID, a_payment

QUERY = QueryPayment(payment_id=PAYMENT_ID)


def _known(reference: str) -> Attempt:
    return Attempt(COMMAND_ID, 1, "k0laj0001", a_payment("started", provider_reference=reference))


@pytest.mark.parametrize(
    ("status", "reason"),
    [("processing", Reason.UNDER_REVIEW), ("requires_action", None), ("requires_confirmation", None)],
)
def test_an_intent_that_is_processed_waits_for_no_payer(status: str, reason: Reason | None) -> None:
    reply = QueryReply.model_validate(
        {"id": "pi_1", "object": "payment_intent", "status": status, "http": {"status": 200}}
    )
    outcome = read_intent(reply, QUERY, _known("pi_1"))
    assert (outcome.state, outcome.reason) == (ProviderState.PENDING, reason)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("PENDING", ProviderState.PENDING, Reason.UNDER_REVIEW),
        ("COMPLETED", ProviderState.CAPTURED, None),
        ("DECLINED", ProviderState.FAILED, None),
    ],
)
def test_a_capture_under_review_waits_for_no_payer(status: str, state: ProviderState, reason: Reason | None) -> None:
    capture = {"id": "C1", "status": status, "amount": {"currency_code": "EUR", "value": "10.99"}}
    units = [{"payments": {"captures": [capture]}}]
    reply = OrderReply.model_validate({"id": "O1", "status": "COMPLETED", "purchase_units": units})
    outcome = read_order(reply, QUERY, _known("O1"))
    assert (outcome.state, outcome.reason) == (state, reason)
