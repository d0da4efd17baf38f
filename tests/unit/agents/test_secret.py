import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError

from agents.vault.box import Box
from agents.vault.hiding import Hiding
from agents.vault.secret import Secret

VALUE = "sk_live_İıŞ😀"


class Holder(BaseModel):
    secret: Secret


LEAVE: dict[str, Callable[[Any], Any]] = {
    "pickle": pickle.dumps,
    "oldest pickle": lambda secret: pickle.dumps(secret, protocol=0),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "state": lambda secret: secret.__getstate__(),
    "json": json.dumps,
    "hash": hash,
    "bytes": bytes,
    "vars": vars,
    "iteration": list,
    "a model as JSON": lambda secret: Holder(secret=secret).model_dump_json(),
    "a model as values": lambda secret: Holder(secret=secret).model_dump(),
    "an adapter": TypeAdapter(Secret).dump_json,
    "a model copied": lambda secret: Holder(secret=secret).model_copy(deep=True),
    "a model pickled": lambda secret: pickle.dumps(Holder(secret=secret)),
}


@pytest.mark.parametrize("way", LEAVE)
def test_a_secret_leaves_by_no_way_but_the_one_that_says_so(way: str) -> None:
    with pytest.raises((TypeError, PydanticSerializationError)) as refused:
        LEAVE[way](Secret(VALUE))
    assert VALUE not in str(refused.value)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{0!r:>40}".format, "%s".__mod__, ascii])
def test_a_secret_prints_as_stars(show: Callable[[Any], str]) -> None:
    assert "***" in show(Secret(VALUE))
    assert "sk_live" not in show([Secret(VALUE), Holder(secret=Secret(VALUE))])


def test_a_secret_is_revealed_by_name_and_compares_by_value() -> None:
    assert Secret(VALUE).reveal() == Secret(VALUE.encode()).reveal() == VALUE
    assert Secret(VALUE) == Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE


def test_a_wiped_secret_is_overwritten_in_place() -> None:
    buffer = bytearray(VALUE.encode())
    seen = memoryview(buffer)
    secret = Secret(buffer)
    with pytest.raises(BufferError):  # its length is held by the view; the bytes are gone all the same
        secret.wipe()
    assert bytes(seen) == bytes(len(seen))
    seen.release()
    with Secret(VALUE) as other:
        assert other.reveal() == VALUE
    assert other.reveal() == ""


@given(st.binary(max_size=100), st.binary(max_size=20), st.binary(max_size=20))
def test_a_box_opens_a_value_for_its_own_place_alone(value: bytes, place: bytes, elsewhere: bytes) -> None:
    boxed = Box().close(Secret(value), place)
    assert boxed.open(place).reveal_bytes() == value
    if elsewhere != place:
        with pytest.raises(InvalidTag):
            boxed.open(elsewhere)


def test_a_boxed_value_neither_pickles_nor_copies() -> None:
    boxed = Box().close(Secret(VALUE), b"")
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(boxed)


def test_a_box_takes_another_key_before_one_was_used_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.vault.box._LAST", 3)
    box = Box()
    boxed = [box.close(Secret(f"{number}"), b"") for number in range(10)]
    assert len({(id(one._cipher), one._nonce) for one in boxed}) == 10
    assert [one.open(b"").reveal() for one in boxed] == [f"{number}" for number in range(10)]


def test_what_was_learned_is_taken_out_of_texts_and_nothing_else() -> None:
    hiding = Hiding(Box())
    for secret in ("secret-one", "secret-one-longer", "short"):
        hiding.learn(Secret(secret))
    assert hiding.hide("a secret-one, b=secret-one-longer&c short secret-other") == "a ***, b=***&c short secret-other"


def test_hiding_keeps_each_secret_once_and_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.vault.hiding._MOST", 2)
    hiding = Hiding(Box())
    for secret in ("secret-1", "secret-2", "secret-2", "secret-3"):
        hiding.learn(Secret(secret))
    assert hiding.hide("secret-1 secret-2 secret-3") == "secret-1 *** ***"
