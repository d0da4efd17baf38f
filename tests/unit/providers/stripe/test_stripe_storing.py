"""Keeping a card at Stripe by the token of its script: what is sent, and what comes of it."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from providers.connector import Request, Unsayable
from providers.outcome import Finding, Outcome
from schemas.payments import KeptCard, Reason
from schemas.payments.resources import StoreCard
from tests.stripe_calls import BY_TOKEN, BY_TOKEN_OF_CUSTOMER, REFERENCE, built, judged

CARD = {"brand": "visa", "funding": "credit", "last4": "4242", "exp_month": 3, "exp_year": 2031}
METHOD = {"id": "pm_1QKolaj0001", "object": "payment_method", "card": CARD}


def fields(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode()))


def a_customer(**changed: Any) -> dict[str, Any]:
    made = {"id": "cus_Kolaj0001", "object": "customer", "metadata": {"kolaj_reference": REFERENCE}}
    return {**made, "invoice_settings": {"default_payment_method": METHOD}, **changed}


def test_a_new_customer_is_known_by_our_reference_and_by_no_name() -> None:
    request = built(StoreCard, **BY_TOKEN)
    assert (request.method, request.path) == ("POST", "/v1/customers")
    assert fields(request) == {
        "payment_method": "pm_1QKolaj0001",
        "invoice_settings[default_payment_method]": "pm_1QKolaj0001",
        "metadata[kolaj_reference]": REFERENCE,
        "expand[0]": "invoice_settings.default_payment_method",
    }


def test_a_card_of_a_known_customer_is_set_up_for_payments_without_them() -> None:
    sent = fields(built(StoreCard, **BY_TOKEN_OF_CUSTOMER))
    assert (sent["customer"], sent["confirm"], sent["usage"]) == ("cus_Kolaj0001", "true", "off_session")
    assert sent["automatic_payment_methods[allow_redirects]"] == "never"
    assert "email" not in str(sent)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, Reason.UNSUPPORTED_METHOD),
        ({**BY_TOKEN, "alias": "mine"}, Reason.INVALID_REQUEST),
    ],
)
def test_what_stripe_does_not_keep_is_not_sent(said: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Unsayable) as refused:
        built(StoreCard, **said)
    assert refused.value.reason is reason


def test_the_kept_card_is_told_with_the_customer_that_was_made() -> None:
    outcome = judged(StoreCard, a_customer(), **BY_TOKEN)
    assert isinstance(outcome, Outcome)
    kept = outcome.details
    assert isinstance(kept, KeptCard)
    assert kept.card is not None
    told = (kept.card_token, kept.customer_key, kept.expiry, kept.card.association, kept.card.last_four)
    assert told == ("pm_1QKolaj0001", "cus_Kolaj0001", "2031-03", "visa", "4242")


@pytest.mark.parametrize("strange", [None, 0, 13, True, "3"])
def test_a_strange_expiry_costs_no_card(strange: object) -> None:
    card = {**METHOD, "card": {**CARD, "exp_month": strange}}
    outcome = judged(StoreCard, a_customer(invoice_settings={"default_payment_method": card}), **BY_TOKEN)
    assert isinstance(outcome, Outcome)
    assert isinstance(outcome.details, KeptCard)
    assert outcome.details.expiry is None


def test_a_lost_answer_is_found_by_our_reference() -> None:
    asked = built(StoreCard, inquiry=True, **BY_TOKEN)
    assert (asked.path, dict(asked.query)["expand[0]"]) == (
        "/v1/customers",
        "data.invoice_settings.default_payment_method",
    )
    of_customer = dict(built(StoreCard, inquiry=True, **BY_TOKEN_OF_CUSTOMER).query)
    assert (of_customer["customer"], of_customer["expand[0]"]) == ("cus_Kolaj0001", "data.payment_method")
    others = [a_customer(id=f"cus_{name}", metadata={}) for name in ("a", "b")]
    found = judged(StoreCard, {"object": "list", "data": [*others, a_customer()]}, inquiry=True, **BY_TOKEN)
    assert isinstance(found, Finding)
    assert found.outcome is not None
    assert found.outcome.reference == "pm_1QKolaj0001"
