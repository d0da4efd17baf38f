import json
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox.paytr.refusing import Refused
from infra.sandbox.paytr.routes import SERVICES
from infra.sandbox.paytr.signing import Keys, cashout_hash, check_token, payment_hash, signed_fields

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "paytr.json").read_text(encoding="utf-8"))
KEYS = Keys(**VECTORS["keys"])
PAYMENTS = [vector for vector in VECTORS["callback"] if "merchant_oid" in vector["form"]]


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def path_of(vector: dict[str, Any]) -> str:
    return str(vector["url"]).removeprefix("https://www.paytr.com")


def test_there_is_a_vector_for_every_service() -> None:
    assert len(VECTORS["request"]) == 21
    assert {path_of(vector) for vector in VECTORS["request"]} == set(SERVICES)


@pytest.mark.parametrize("vector", VECTORS["request"], ids=named)
def test_every_recorded_request_passes(vector: dict[str, Any]) -> None:
    path, form = path_of(vector), vector["form"]
    signed = "".join(form[name] for name in signed_fields(path, form)) + KEYS.merchant_salt
    assert signed == vector["signed_string"]
    check_token(path, form, KEYS)


@pytest.mark.parametrize("vector", VECTORS["request"], ids=named)
def test_a_change_or_a_gap_in_any_signed_field_is_refused_as_a_wrong_token(vector: dict[str, Any]) -> None:
    path, form = path_of(vector), vector["form"]
    for name in signed_fields(path, form):
        if name in {"payment_type", "link_type"}:
            continue  # they choose the order themselves
        for changed in ({**form, name: form[name] + "1"}, {key: form[key] for key in form if key != name}):
            with pytest.raises(Refused) as caught:
                check_token(path, changed, KEYS)
            assert caught.value.token


@pytest.mark.parametrize("vector", PAYMENTS, ids=named)
def test_every_recorded_callback_has_the_hash_that_is_made_here(vector: dict[str, Any]) -> None:
    assert payment_hash(KEYS, vector["form"]) == vector["expected_hash"] == vector["form"]["hash"]


def test_the_callback_about_money_sent_again_has_its_own_hash() -> None:
    (vector,) = [vector for vector in VECTORS["callback"] if vector.get("kind") == "cashout"]
    assert cashout_hash(KEYS, vector["form"]["trans_id"]) == vector["expected_hash"]
