import copy
import pickle

import pytest
from pydantic import SecretStr

from agents.vault.keyring import KeyRing, UnknownMasterKey
from schemas.errors import SettingsError
from tests.master_keys import a_master_key


def test_a_key_has_the_same_id_in_every_ring_and_place() -> None:
    first, second = a_master_key(), a_master_key()
    alone = KeyRing.of(first)
    assert KeyRing.of(second, [first]).ids == (KeyRing.of(second).primary_id, alone.primary_id)
    assert alone.ids == (alone.primary_id,)


def test_subkeys_differ_by_purpose_and_by_master_key_and_by_nothing_else() -> None:
    first, second = a_master_key(), a_master_key()
    ring = KeyRing.of(second, [first])
    old = KeyRing.of(first)
    assert ring.derive(b"a", old.primary_id) == old.derive(b"a")
    assert len({ring.derive(b"a"), ring.derive(b"b"), old.derive(b"a"), old.derive(b"b")}) == 4


def test_a_key_that_the_ring_lacks_is_named() -> None:
    other = KeyRing.of(a_master_key()).primary_id
    with pytest.raises(UnknownMasterKey, match=other) as refused:
        KeyRing.of(a_master_key()).derive(b"a", other)
    assert refused.value.key_id == other


@pytest.mark.parametrize("text", ["", "short", "ş" * 44, "A" * 44, "A" * 43 + "=="])
def test_what_is_no_key_is_refused_by_its_settings_name_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^INTEGRATION_ENCRYPTION_KEY must be base64 of 32 bytes") as refused:
        KeyRing.of(SecretStr(text))
    assert not text or text not in str(refused.value)
    with pytest.raises(SettingsError, match=r"^INTEGRATION_ENCRYPTION_KEYS_RETIRED: key 2 must be"):
        KeyRing.of(a_master_key(), [a_master_key(), SecretStr(text)])


def test_the_same_key_twice_is_refused() -> None:
    key = a_master_key()
    with pytest.raises(SettingsError, match="KEYS_RETIRED: key 1 is the same key"):
        KeyRing.of(key, [key])


def test_a_ring_neither_prints_its_keys_nor_pickles_nor_copies() -> None:
    key = a_master_key()
    ring = KeyRing.of(key)
    assert key.get_secret_value() not in repr(ring)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            leave(ring)
