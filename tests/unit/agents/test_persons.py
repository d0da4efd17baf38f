import base64
import os
import string
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.vault.envelope import SealBroken, SealUnknown
from agents.vault.persons import open_person, seal_person
from agents.vault.subjects import Subject
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.personal import SealedPerson

SUBJECT = Subject(uuid4(), os.urandom(32))
PAYMENT = new_id()
FACTS = {"name": "Işıl", "address": {"city": "İstanbul"}}
SEALED = seal_person(SUBJECT, PAYMENT, FACTS)


def changed(sealed: SealedPerson, content: bytes) -> SealedPerson:
    return sealed.model_copy(update={"sealed": base64.b64encode(content).decode()})


def test_a_person_opens_as_it_was_sealed_and_shows_nothing_meanwhile() -> None:
    assert open_person(SUBJECT.key, SEALED, PAYMENT) == FACTS
    assert b"stanbul" not in base64.b64decode(SEALED.sealed)
    assert SUBJECT.key.hex() not in repr(SUBJECT)


def test_no_two_seals_of_a_person_are_equal() -> None:
    assert seal_person(SUBJECT, PAYMENT, FACTS).sealed != SEALED.sealed


@given(st.integers(0, len(base64.b64decode(SEALED.sealed)) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, difference: int) -> None:
    content = bytearray(base64.b64decode(SEALED.sealed))
    content[place] ^= difference
    with pytest.raises(StoreError) as raised:
        open_person(SUBJECT.key, changed(SEALED, bytes(content)), PAYMENT)
    assert isinstance(raised.value, SealUnknown if place == 0 else SealBroken)


@pytest.mark.parametrize("name", ["I", "II", "Iş"])
def test_any_changed_letter_of_its_base64_is_noticed(name: str) -> None:
    sealed = seal_person(SUBJECT, PAYMENT, {"name": name})
    for place, letter in enumerate(sealed.sealed):
        for other in set(string.ascii_letters + string.digits + "+/=") - {letter}:
            spelled = sealed.sealed[:place] + other + sealed.sealed[place + 1 :]
            with pytest.raises(StoreError):
                open_person(SUBJECT.key, sealed.model_copy(update={"sealed": spelled}), PAYMENT)


@pytest.mark.parametrize("length", [0, 1, 12, 13, 20])
def test_what_was_cut_off_is_noticed(length: int) -> None:
    content = base64.b64decode(SEALED.sealed)[:length]
    with pytest.raises(StoreError):
        open_person(SUBJECT.key, changed(SEALED, content), PAYMENT)


def test_a_person_that_was_copied_to_another_payment_or_subject_does_not_open() -> None:
    with pytest.raises(SealBroken):
        open_person(SUBJECT.key, SEALED, new_id())
    with pytest.raises(SealBroken):
        open_person(SUBJECT.key, SEALED.model_copy(update={"subject": uuid4()}), PAYMENT)
    with pytest.raises(SealBroken):
        open_person(replace(SUBJECT, key=os.urandom(32)).key, SEALED, PAYMENT)
