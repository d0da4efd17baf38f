"""Signed return addresses: nothing is believed but the hub's own signature over payment, destination and end."""

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vault.keyring import KeyRing
from infra.gateway.returns.desk import question
from infra.gateway.returns.ticket import Ticket, proved, signed
from schemas.ids import created_at, new_id
from schemas.payments.notices import TakeNotice

RING = KeyRing([b"k" * 32])
PAYMENT = UUID("019abc00-0000-7000-8000-000000000002")
TICKET = Ticket(PAYMENT, "https://shop.example/done?basket=7", "iyzico-main", 1_764_072_000_123, 1_764_075_600)
TEXT = signed(RING, TICKET)


def test_what_was_signed_comes_back_as_it_was() -> None:
    came = proved(RING, PAYMENT, TEXT)
    assert came is not None
    assert came.ticket == TICKET


@given(place=st.integers(0, len(TEXT) - 1), letter=st.sampled_from("AZaz09-_.=+/ é"))
def test_one_changed_letter_is_not_ours(place: int, letter: str) -> None:
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    assert (proved(RING, PAYMENT, changed) is None) == (changed != TEXT)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda told: base64.urlsafe_b64encode(told).decode()))
def test_a_strangers_text_is_not_ours_and_raises_nothing(text: str) -> None:
    assert proved(RING, PAYMENT, text) is None
    assert proved(RING, PAYMENT, f"{text}.{text}") is None


def test_it_is_good_for_its_own_payment_alone() -> None:
    assert proved(RING, new_id(), TEXT) is None


def test_another_destination_or_end_under_the_same_signature_is_not_ours() -> None:
    _, _, mac = TEXT.partition(".")
    for told in (["https://evil.example/", "iyzico-main", TICKET.made_ms, TICKET.expires_s],
                 [TICKET.to, None, TICKET.made_ms, TICKET.expires_s],
                 [TICKET.to, "iyzico-main", TICKET.made_ms, TICKET.expires_s + 1]):  # fmt: skip
        content = base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")
        assert proved(RING, PAYMENT, f"{content}.{mac}") is None


def test_a_retired_master_key_still_vouches_and_an_unknown_one_does_not() -> None:
    rotated = KeyRing([b"n" * 32, b"k" * 32])
    assert proved(rotated, PAYMENT, TEXT) == proved(RING, PAYMENT, TEXT)
    assert proved(KeyRing([b"n" * 32]), PAYMENT, TEXT) is None
    assert proved(RING, PAYMENT, signed(rotated, TICKET)) is None


@pytest.mark.parametrize("length", [0, 1, 42, 43, 6_001])
def test_texts_of_any_length_raise_nothing(length: int) -> None:
    assert proved(RING, PAYMENT, "A" * length + "." + "A" * length) is None


def test_every_return_with_one_ticket_is_one_command_of_the_moment_it_was_signed() -> None:
    first, again = (proved(RING, PAYMENT, TEXT) for _ in range(2))
    assert first is not None
    assert again is not None
    assert question("commands", first) == question("commands", again)
    made = created_at(first.command_id)
    assert made is not None
    assert int(made.timestamp() * 1000) == TICKET.made_ms
    other = Ticket(PAYMENT, TICKET.to, TICKET.integration_id, TICKET.made_ms + 1, TICKET.expires_s)
    later = proved(RING, PAYMENT, signed(RING, other))
    assert later is not None
    assert later.command_id != first.command_id


def test_the_question_says_nothing_but_which_payment_and_why() -> None:
    came = proved(RING, PAYMENT, TEXT)
    assert came is not None
    record = question("commands", came)
    assert record.value is not None
    asked = TakeNotice.model_validate_json(record.value)
    assert asked == TakeNotice(payment_id=PAYMENT, integration_id="iyzico-main", cause="return")
    assert record.key == str(PAYMENT).encode()
