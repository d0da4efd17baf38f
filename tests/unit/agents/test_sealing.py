import base64
from uuid import UUID

import pytest
from pydantic import SecretStr

from agents.sealing import Seal
from agents.vault.envelope import key_id_of
from agents.vault.keyring import KeyRing
from schemas.errors import StoreError
from streams.records import RawRecord
from tests.master_keys import a_master_key

BEFORE_KEY = SecretStr(base64.b64encode(bytes(range(32))).decode())
BEFORE_ID = UUID("01900000-0000-7000-8000-000000000001")
BEFORE = base64.b64decode(
    "AerAVJP17IKD9W4IQTNph19TnywB7Uvo0dKJTPvitCyEVuoH013I8Ao8b61cNp8At6K1ijK873nT6XQ4KG1czyh0EYrESct8VShy2NzLK+x921QQ"
    "FkLJvTPRKPpvuFNqRWxCQy5X5g4e0NF7OFX7H8gDq73XNyruqu53T1HXAbQ="
)
"""Sealed by the version before, which named no key."""
RECORD = RawRecord("t", 1, 2, 3, b"k", b"\x00\xff", (("ce_id", b"x"), ("null", None)))


@pytest.mark.parametrize(
    "ring",
    [KeyRing.of(BEFORE_KEY), KeyRing.of(a_master_key(), [a_master_key(), BEFORE_KEY])],
    ids=["primary", "retired"],
)
def test_a_record_of_the_format_before_opens_under_any_key_of_the_ring(ring: KeyRing) -> None:
    assert Seal(ring).open(BEFORE, BEFORE_ID, "t", 1, 2) == RECORD


def test_a_record_of_the_format_before_whose_key_is_missing_or_that_was_changed_does_not_open() -> None:
    with pytest.raises(StoreError, match="INTEGRATION_ENCRYPTION_KEYS_RETIRED"):
        Seal(KeyRing.of(a_master_key())).open(BEFORE, BEFORE_ID, "t", 1, 2)
    for spoiled in (BEFORE[:-1] + b"\x00", BEFORE[:10], BEFORE[:1]):
        with pytest.raises(StoreError, match="does not open"):
            Seal(KeyRing.of(BEFORE_KEY)).open(spoiled, BEFORE_ID, "t", 1, 2)


@pytest.mark.parametrize(
    "sealed", [BEFORE, Seal(KeyRing.of(BEFORE_KEY)).close(RECORD, BEFORE_ID)], ids=["before", "now"]
)
def test_a_record_is_brought_under_the_primary_key(sealed: bytes) -> None:
    new = a_master_key()
    both = Seal(KeyRing.of(new, [BEFORE_KEY]))
    moved = both.rewrap(sealed, BEFORE_ID)
    assert moved.startswith(both.begins)
    assert key_id_of(moved) == KeyRing.of(new).primary_id
    assert Seal(KeyRing.of(new)).open(moved, BEFORE_ID, "t", 1, 2) == RECORD


def test_the_body_of_a_call_opens_for_its_own_record_alone_and_not_as_a_parked_one() -> None:
    ring = KeyRing.of(a_master_key())
    seal, body, other = Seal(ring), b"\x00\xff{}", UUID("01900000-0000-7000-8000-000000000002")
    sealed = seal.close_call(body, BEFORE_ID)
    assert seal.open_call(sealed, BEFORE_ID) == body
    with pytest.raises(StoreError, match="does not open"):
        seal.open_call(sealed, other)
    with pytest.raises(StoreError, match="does not open"):
        seal.open(sealed, BEFORE_ID, "t", 1, 2)
