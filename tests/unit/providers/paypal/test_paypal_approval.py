"""The payer's approval: what a payment that waits for it tells, and what comes back from PayPal's page."""

from dataclasses import replace
from typing import Any

import pytest

from providers.connection_settings import USUAL
from providers.connector import Account, Attempt
from providers.outcome import ProviderState
from providers.payments.paypal.order import OrderReply
from providers.payments.paypal.query import read_query
from providers.payments.paypal.returned import read_return
from providers.payments.paypal.settings import PaypalSettings
from providers.returns import ReturnVerdict
from schemas.payments import Payment
from tests import builders
from tests.conformance.samples import COMMAND_ID, PAYMENT_ID

ASKED = Attempt(COMMAND_ID, 1, "k0laj1", Payment(payment_id=PAYMENT_ID, provider_reference="O1"))
BY_HUB = PaypalSettings(complete_when_approved=True)


@pytest.mark.parametrize("settings", [USUAL, PaypalSettings(), BY_HUB])
@pytest.mark.parametrize("status", ["CREATED", "SAVED", "PAYER_ACTION_REQUIRED", "APPROVED"])
def test_the_hub_is_to_complete_what_was_approved_where_the_account_says_so(status: str, settings: Any) -> None:
    attempt = replace(ASKED, account=Account("sandbox", "https://x.example", settings))
    found = read_query(OrderReply(id="O1", status=status), builders.a_query_payment(), attempt)
    agreed = status == "APPROVED"
    assert found.state is ProviderState.PENDING
    assert (found.payer_agreed, found.to_be_completed) == (agreed, agreed and settings is BY_HUB)


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({"token": "O1", "PayerID": "P1"}, "O1"),
        ({"token": "O1"}, "O1"),
        ({"PayerID": "P1"}, None),
        ({"token": "O 1"}, None),
        ({}, None),
    ],
)
def test_what_comes_back_proves_nothing_and_names_the_order(fields: dict[str, str], order: str | None) -> None:
    expected = ReturnVerdict(verified=False, completes=order is not None, reference=order)
    assert read_return(fields, ()) == expected
