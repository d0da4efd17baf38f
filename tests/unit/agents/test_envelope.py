import os
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.vault import envelope
from agents.vault.envelope import (
    LONGEST,
    NONCE_BYTES,
    OVERHEAD,
    SealBroken,
    SealUnknown,
    key_id_of,
    open_sealed,
    rewrap,
    seal,
)
from agents.vault.keyring import KeyRing, UnknownMasterKey
from tests.master_keys import a_master_key

OLD, NEW = a_master_key(), a_master_key()
RING = KeyRing.of(OLD)
BOTH = KeyRing.of(NEW, [OLD])
CONTEXT = b"iyzico-main\x00secret_key\x001"
values = st.binary(max_size=200)


@given(values, st.binary(max_size=50))
def test_what_was_sealed_opens_in_its_own_context(value: bytes, context: bytes) -> None:
    sealed = seal(RING, value, context)
    assert open_sealed(RING, sealed, context) == value
    assert key_id_of(sealed) == RING.primary_id
    assert len(sealed) == len(value) + OVERHEAD


@given(values, st.data())
def test_a_value_with_any_one_byte_changed_does_not_open(value: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(RING, value, CONTEXT))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((SealBroken, SealUnknown, UnknownMasterKey)):
        open_sealed(RING, bytes(sealed), CONTEXT)


def test_each_single_byte_of_a_value_counts() -> None:
    sealed = seal(RING, b"sk", CONTEXT)
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises((SealBroken, SealUnknown, UnknownMasterKey)):
            open_sealed(RING, changed, CONTEXT)


@given(values, st.data())
def test_a_value_that_was_cut_or_lengthened_does_not_open(value: bytes, data: st.DataObject) -> None:
    sealed = seal(RING, value, CONTEXT)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for spoiled in (cut, sealed + data.draw(st.binary(min_size=1, max_size=20))):
        with pytest.raises(SealBroken):
            open_sealed(RING, spoiled, CONTEXT)


@given(values, st.binary(max_size=50).filter(lambda context: context != CONTEXT))
def test_a_value_copied_to_another_place_neither_opens_nor_is_rewrapped(value: bytes, elsewhere: bytes) -> None:
    sealed = seal(RING, value, CONTEXT)
    with pytest.raises(SealBroken):
        open_sealed(RING, sealed, elsewhere)
    with pytest.raises(SealBroken):
        rewrap(BOTH, sealed, elsewhere)


@given(values, st.data())
def test_parts_of_two_values_of_one_place_do_not_make_a_third(value: bytes, data: st.DataObject) -> None:
    first, second = seal(RING, value, CONTEXT), seal(RING, value, CONTEXT)
    place = data.draw(st.integers(13, len(first) - 1))
    mixed = first[:place] + second[place:]
    assume(mixed not in {first, second})
    with pytest.raises(SealBroken):
        open_sealed(RING, mixed, CONTEXT)


@given(values)
def test_rewrapping_changes_the_wrapping_and_keeps_the_ciphertext(value: bytes) -> None:
    sealed = seal(RING, value, CONTEXT)
    moved = rewrap(BOTH, sealed, CONTEXT)
    body = OVERHEAD - 16 - NONCE_BYTES
    assert moved[body:] == sealed[body:]
    assert moved[4:body] != sealed[4:body]
    assert key_id_of(moved) == BOTH.primary_id
    assert open_sealed(BOTH, moved, CONTEXT) == open_sealed(KeyRing.of(NEW), moved, CONTEXT) == value
    assert rewrap(BOTH, moved, CONTEXT) == moved
    with pytest.raises(UnknownMasterKey, match=BOTH.primary_id):
        open_sealed(RING, moved, CONTEXT)


def test_a_ring_without_the_key_says_which_one_it_lacks() -> None:
    sealed = seal(RING, b"sk", CONTEXT)
    with pytest.raises(UnknownMasterKey, match=f"the master key {RING.primary_id} is missing"):
        open_sealed(KeyRing.of(NEW), sealed, CONTEXT)


def test_a_newer_format_is_not_taken_for_a_broken_seal() -> None:
    with pytest.raises(SealUnknown, match="upgrade"):
        open_sealed(RING, b"KSE\x02" + bytes(200), CONTEXT)


def test_a_value_longer_than_the_bound_is_refused() -> None:
    assert len(open_sealed(RING, seal(RING, bytes(LONGEST), CONTEXT), CONTEXT)) == LONGEST
    with pytest.raises(ValueError, match="at most"):
        seal(RING, bytes(LONGEST + 1), CONTEXT)


def test_no_key_encrypts_twice_and_each_nonce_is_96_fresh_bits() -> None:
    """What decision 0007 rests on: whatever is sealed or rewrapped, each key meets one message."""
    used: list[tuple[bytes, bytes]] = []

    class Watched:
        def __init__(self, key: bytes) -> None:
            self.key, self.real = bytes(key), AESGCM(key)

        def encrypt(self, nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
            used.append((self.key, nonce))
            return self.real.encrypt(nonce, plaintext, bound)

        def decrypt_into(self, nonce: bytes, sealed: bytes, bound: bytes, buffer: bytearray) -> None:
            self.real.decrypt_into(nonce, sealed, bound, buffer)

    asked: list[int] = []
    real_random = os.urandom

    def random(size: int) -> bytes:
        asked.append(size)
        return real_random(size)

    with patch.object(envelope, "AESGCM", Watched), patch("os.urandom", random):
        for _ in range(500):
            rewrap(BOTH, seal(RING, b"the same value", CONTEXT), CONTEXT)
    assert len(used) == len({key for key, _ in used}) == len({nonce for _, nonce in used}) == 1500
    assert {len(key) for key, _ in used} == {32}
    assert {len(nonce) for _, nonce in used} == {12}
    assert asked.count(12) == 1500
