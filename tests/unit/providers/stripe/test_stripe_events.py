"""Stripe's events against its own library for Python: what it signs we take, and what we take it takes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.connection_settings import USUAL
from providers.notices import Call, Notice, Refused
from providers.payments.stripe.webhook import read_notice

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "webhooks.json").read_text())["stripe"]
SECRET = "whsec_kolaj_test_secret_0001"
NEW_SECRET = "whsec_kolaj_rotated_secret_02"


def an_event(kind: str = "payment_intent.succeeded", about: Any = None, **changed: Any) -> str:
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"kolaj_reference": "k0laj1"}, **(about or {})}
    event = {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": about}, **changed}
    return json.dumps(event, ensure_ascii=False)


def signed_at(payload: str, moment: datetime, *secrets: str) -> str:
    """The header as Stripe sends it while several secrets hold: one signature of each."""
    stamp = int(moment.timestamp())
    headers = [stripe.WebhookSignature.generate_signature_header(payload, one, stamp) for one in secrets or (SECRET,)]
    return ",".join([headers[0], *(header.partition(",")[2] for header in headers[1:])])


def read(payload: str, header: str | None, *secrets: str, at: datetime | None = None, **changed: Any) -> Any:
    sets = [{"webhook_secret": SecretStr(secret)} for secret in secrets or (SECRET,)]
    headers = {} if header is None else {"Stripe-Signature": header}
    given = {"settings": USUAL, "environment": "sandbox", **changed}
    return read_notice(Call(headers, payload.encode(), sets, at or datetime.now(UTC), **given))


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50),
    indent=st.sampled_from([None, 2]),
    spoil=st.booleans(),
)
def test_what_their_library_signs_we_take_and_it_takes_and_what_is_changed_neither_takes(
    text: str, indent: int | None, spoil: bool
) -> None:
    payload = json.dumps(json.loads(an_event(about={"description": text})), indent=indent, ensure_ascii=False)
    now = datetime.now(UTC)
    header = signed_at(payload, now)
    if spoil:
        payload = payload.replace("pi_1", "pi_2")
    ours = read(payload, header, at=now)
    try:
        theirs = stripe.Webhook.construct_event(payload.encode(), header, SECRET)
    except stripe.SignatureVerificationError:
        assert ours == Refused("wrong")
    else:
        assert (ours.event_id, ours.event_type) == (theirs.id, theirs.type)
        assert ours.verified.signed_at == datetime.fromtimestamp(int(now.timestamp()), UTC)


# An account whose secret is empty has none: `LiveSecret` refuses it when it is made.
CASES = [case for case in VECTORS["cases"] if case["secret"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_vector_of_their_libraries_ends_as_it_must(case: dict[str, Any]) -> None:
    payload = case["payload"] if "payload" in case else VECTORS["payloads"][case["payload_ref"]]
    found = read(payload, case["header"], case["secret"], at=datetime.fromtimestamp(case["now"], UTC))
    policy = case["hub_policy"]
    assert policy == "accept_or_reject" or isinstance(found, Notice) == (policy == "accept")


def test_during_a_rotation_either_secret_and_either_signature_hold() -> None:
    payload, now = an_event(), datetime.now(UTC)
    both = signed_at(payload, now, NEW_SECRET, SECRET)
    for known, index in (([SECRET], 0), ([NEW_SECRET], 0), ([NEW_SECRET, SECRET], 0), (["whsec_x", SECRET], 1)):
        assert read(payload, both, *known, at=now).verified.secret_index == index
    assert read(payload, signed_at(payload, now, NEW_SECRET), SECRET, at=now) == Refused("wrong")


def test_a_repeat_is_signed_anew_and_stays_the_same_event() -> None:
    first_at = datetime.now(UTC)
    again_at = first_at + timedelta(hours=1)
    first, again = an_event(pending_webhooks=1), an_event(pending_webhooks=0)
    one = read(first, signed_at(first, first_at), at=first_at)
    other = read(again, signed_at(again, again_at), at=again_at)
    assert one.event_id == other.event_id == "evt_1"
    assert read(first, signed_at(first, first_at), at=again_at) == Refused("too_old")
    assert read(first, signed_at(first, again_at), at=first_at) == Refused("from_the_future")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("payment_intent.succeeded", "captured"),
        ("payment_intent.amount_capturable_updated", "authorized"),
        ("payment_intent.processing", "pending"),
        ("payment_intent.requires_action", "pending"),
        ("payment_intent.payment_failed", "failed"),
        ("payment_intent.canceled", "cancelled"),
        ("payment_intent.created", None),
        ("payment_intent.word_never_met", None),
    ],
)
def test_what_an_event_says_of_its_payment(kind: str, said: str | None) -> None:
    payload, now = an_event(kind), datetime.now(UTC)
    notice = read(payload, signed_at(payload, now), at=now)
    assert (notice.said, notice.our_reference, notice.provider_reference) == (said, "k0laj1", "pi_1")


@pytest.mark.parametrize("intent", ["pi_7", {"id": "pi_7", "object": "payment_intent"}])
@pytest.mark.parametrize("kind", ["charge.refunded", "refund.updated"])
def test_an_event_about_something_else_names_its_payment_and_says_nothing_of_it(kind: str, intent: Any) -> None:
    payload = an_event(kind, {"id": "x_1", "object": "charge", "payment_intent": intent, "metadata": {}})
    now = datetime.now(UTC)
    notice = read(payload, signed_at(payload, now), at=now)
    assert (notice.said, notice.our_reference, notice.provider_reference) == (None, None, "pi_7")


DISPUTED = ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")


@pytest.mark.parametrize("intent", ["pi_7", {"id": "pi_7", "object": "payment_intent"}])
@pytest.mark.parametrize("kind", DISPUTED)
def test_an_event_about_a_dispute_names_it_and_its_payment_and_is_believed_in_nothing_else(
    kind: str, intent: Any
) -> None:
    about = {"id": "du_1", "object": "dispute", "payment_intent": intent, "status": "won", "metadata": {}}
    payload, now = an_event(f"charge.dispute.{kind}", about), datetime.now(UTC)
    notice = read(payload, signed_at(payload, now), at=now)
    assert (notice.dispute_reference, notice.provider_reference, notice.about) == ("du_1", "pi_7", "payment")
    assert (notice.said, notice.our_reference) == (None, None)


@pytest.mark.parametrize("environment", ["production", "sandbox"])
@pytest.mark.parametrize("live", [True, False])
def test_a_test_is_taken_for_no_money_and_money_for_no_test(environment: str, live: bool) -> None:
    payload, now = an_event(livemode=live), datetime.now(UTC)
    found = read(payload, signed_at(payload, now), at=now, environment=environment)
    if live == (environment == "production"):
        assert isinstance(found, Notice)
    else:
        assert found == Refused("wrong_environment")


@pytest.mark.parametrize("payload", ["[]", "null", "{}", '{"id":1}', '{"id":"a b"}', '{"id":"e","id":"f"}', "{"])
def test_what_is_signed_and_is_no_event_is_malformed(payload: str) -> None:
    now = datetime.now(UTC)
    assert read(payload, signed_at(payload, now), at=now) == Refused("malformed")
