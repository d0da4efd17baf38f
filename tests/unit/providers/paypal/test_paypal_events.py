"""PayPal's events: by whose certificate they are believed, and what each is about. The authority is the test's own."""

import base64
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from providers.notices import Fetched, Notice, Refused
from providers.payments.paypal.webhook import read_notice
from tests.paypal_calls import ADDRESS, EVENT, LIVE, NOW, SANDBOX, Signer, a_call, root, theirs


def _read(event_type: str, resource: Any) -> Notice:
    found = read_notice(a_call({"id": "WH-1", "event_type": event_type, "resource": resource}))
    assert isinstance(found, Notice)
    return found


def test_a_certificate_is_believed_through_those_that_stand_behind_it() -> None:
    found = read_notice(a_call(EVENT))
    assert isinstance(found, Notice)
    assert found.verified.signed_id == "t-1"
    assert found.verified.signed_at == NOW


@pytest.mark.parametrize(
    "make",
    [
        lambda: root().issue("certs.example.com"),
        lambda: root().issue(f"{LIVE}.evil.example"),
        lambda: root().issue(LIVE, days=0),
        lambda: root().issue("No authority").issue(LIVE),
        lambda: Signer(None, ()).issue("Another authority", ca=True).issue(LIVE),
        lambda: Signer(None, ()).issue(LIVE),
        lambda: root().issue(LIVE, key=rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is to be refused
        lambda: root().issue(SANDBOX),
    ],
    ids=["name", "longer name", "over", "issuer is none", "authority", "self-signed", "short key", "sandbox"],
)
def test_a_certificate_of_another_is_not_believed(make: Any) -> None:
    assert read_notice(a_call(EVENT, make())) == Refused("wrong")


def test_a_key_that_is_not_rsa_is_not_believed() -> None:
    elliptic = root().issue(LIVE, key=ec.generate_private_key(ec.SECP256R1()))
    call = a_call(EVENT)
    assert read_notice(replace(call, fetched=Fetched(ADDRESS, elliptic.pem, root().pem))) == Refused("wrong")


def test_the_sandbox_has_a_name_of_its_own() -> None:
    assert isinstance(read_notice(a_call(EVENT, root().issue(SANDBOX), "sandbox")), Notice)


def test_the_certificates_time_is_that_of_the_arrival() -> None:
    call = a_call(EVENT)
    assert read_notice(replace(call, arrived_at=NOW + timedelta(days=31))) == Refused("wrong")
    assert read_notice(replace(call, arrived_at=NOW - timedelta(days=2))) == Refused("wrong")


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_document_that_is_no_certificate_is_not_believed(document: bytes) -> None:
    call = a_call(EVENT)
    assert read_notice(replace(call, fetched=Fetched(ADDRESS, document, root().pem))) == Refused("wrong")
    assert read_notice(replace(call, fetched=Fetched(ADDRESS, theirs().pem, b""))) == Refused("wrong")


@pytest.mark.parametrize(
    "changed",
    [
        {"paypal-auth-algo": "SHA1withRSA"},
        {"paypal-cert-url": "https://evil.example/v1/notifications/certs/CERT-1"},
        {"paypal-transmission-sig": "***"},
        {"paypal-transmission-id": "t|1"},
        {"paypal-transmission-time": "a b"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_headers_that_say_something_else_are_malformed(changed: dict[str, str]) -> None:
    assert read_notice(a_call(EVENT, headers=changed)) == Refused("malformed")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id":1}', b'{"id":"a b"}', b'{"id":"a","id":"b"}'])
def test_what_is_signed_and_is_no_event_is_malformed(body: bytes) -> None:
    call = a_call(EVENT)
    crc = str(zlib.crc32(body))
    signature = theirs().key.sign(f"t-1|2026-11-25T12:00:00Z|W1|{crc}".encode(), padding.PKCS1v15(), SHA256())
    headers = {**call.headers, "paypal-transmission-sig": base64.b64encode(signature).decode()}
    assert read_notice(replace(call, body=body, headers=headers)) == Refused("malformed")


RELATED = {"supplementary_data": {"related_ids": {"order_id": "O1"}}, "custom_id": "k0laj0001", "id": "C1"}


@pytest.mark.parametrize(
    ("event_type", "said"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", "captured"),
        ("PAYMENT.CAPTURE.PENDING", "pending"),
        ("PAYMENT.CAPTURE.DENIED", "failed"),
        ("PAYMENT.CAPTURE.DECLINED", "failed"),
        ("PAYMENT.CAPTURE.REVERSED", None),
        ("PAYMENT.AUTHORIZATION.CREATED", "authorized"),
        ("PAYMENT.AUTHORIZATION.VOIDED", "cancelled"),
    ],
)
def test_a_movement_names_its_order_and_our_reference(event_type: str, said: str | None) -> None:
    notice = _read(event_type, RELATED)
    assert (notice.our_reference, notice.provider_reference, notice.said) == ("k0laj0001", "O1", said)
    assert notice.about == "payment"


@pytest.mark.parametrize("event_type", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"])
@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ({"custom_id": "k0laj0002"}, "k0laj0002"),
        ({"custom_id": "two words", "invoice_id": "k0laj0003"}, "k0laj0003"),
        ({}, None),
    ],
)
def test_a_refund_is_found_by_what_was_sent_with_it_or_its_capture(
    event_type: str, names: dict[str, str], ours: str | None
) -> None:
    notice = _read(event_type, {"id": "R1", **names})
    assert (notice.our_reference, notice.provider_reference, notice.said) == (ours, None, None)
    assert _read(event_type, {**RELATED, **names}).provider_reference == "O1"


def test_an_order_is_itself_the_payment_and_its_approval_is_no_money() -> None:
    notice = _read("CHECKOUT.ORDER.APPROVED", {"id": "O1", "purchase_units": [{"custom_id": "k0laj0001"}]})
    assert (notice.our_reference, notice.provider_reference, notice.said) == ("k0laj0001", "O1", "pending")


def test_what_a_subscription_pays_is_said_by_a_sale() -> None:
    notice = _read("PAYMENT.SALE.COMPLETED", {"id": "S1", "billing_agreement_id": "I-1"})
    assert (notice.about, notice.provider_reference, notice.order_reference) == ("resource", "I-1", "S1")
    life = _read("BILLING.SUBSCRIPTION.CANCELLED", {"id": "I-1"})
    assert (life.about, life.provider_reference, life.order_reference) == ("resource", "I-1", None)


@pytest.mark.parametrize("kind", ["CREATED", "UPDATED", "RESOLVED"])
@pytest.mark.parametrize(
    ("transactions", "ours"),
    [
        ([{"seller_transaction_id": "3AB8", "custom": "k0laj0001", "invoice_number": "k0laj0002"}], "k0laj0001"),
        ([{"seller_transaction_id": "3AB8", "custom": "two words", "invoice_number": "k0laj0002"}], "k0laj0002"),
        ([{"seller_transaction_id": "3AB8"}], None),
        ([], None),
        ({}, None),
        ([7], None),
    ],
)
def test_a_dispute_is_named_and_found_by_what_was_sent_with_its_order(
    kind: str, transactions: Any, ours: str | None
) -> None:
    resource = {"dispute_id": "PP-D-1", "status": "RESOLVED", "disputed_transactions": transactions}
    notice = _read(f"CUSTOMER.DISPUTE.{kind}", resource)
    assert (notice.dispute_reference, notice.our_reference) == ("PP-D-1", ours)
    assert (notice.said, notice.provider_reference, notice.about) == (None, None, "payment")


@pytest.mark.parametrize(
    ("event_type", "resource"),
    [
        ("VAULT.PAYMENT-TOKEN.DELETED", {"id": "8kk845"}),
        ("PAYMENT.SALE.COMPLETED", {"id": "S1"}),
        ("SOMETHING.NEW", {"id": "X1"}),
        ("CHECKOUT.ORDER.APPROVED", None),
        ("CHECKOUT.ORDER.APPROVED", {"id": [], "purchase_units": [7]}),
        ("PAYMENT.CAPTURE.COMPLETED", {"supplementary_data": {"related_ids": []}, "custom_id": {}}),
    ],
)
def test_what_is_about_nothing_that_the_hub_asks_for_names_nothing(event_type: str, resource: Any) -> None:
    notice = _read(event_type, resource)
    assert (notice.our_reference, notice.provider_reference, notice.order_reference) == (None, None, None)
