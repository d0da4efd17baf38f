"""What is declared personal, and that it stands nowhere in the clear where records are kept for ever."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from infra.channels import channels
from schemas.base import Frozen, Text
from schemas.payments import Address, Buyer, CreatePayment
from schemas.personal import Personal, kept_of, personal_paths
from streams.topics import FOREVER_MS
from tests.builders import a_buyer

FOR_EVER = [model for channel in channels() if channel.topic.retention_ms == FOREVER_MS for model in channel.models]


def test_every_field_about_a_person_is_declared() -> None:
    declared = {path for path, _ in personal_paths(Buyer)}
    assert declared == {name for name in Buyer.model_fields if name != "address"} | {
        f"address.{name}" for name in Address.model_fields
    }
    assert {path for path, _ in personal_paths(CreatePayment)} >= {"buyer.email", "shipping_address.line"}


@pytest.mark.parametrize("model", FOR_EVER, ids=lambda model: model.type)
def test_what_is_kept_for_ever_holds_no_personal_field_in_the_clear(model: type[BaseModel]) -> None:
    assert list(personal_paths(model)) == []


def test_the_walk_finds_a_field_at_any_depth() -> None:
    class Inner(Frozen):
        name: Annotated[Text | None, Personal()] = None

    class Outer(Frozen):
        many: tuple[Inner, ...] = ()
        maybe: dict[str, Inner | None] | None = None

    assert [path for path, _ in personal_paths(Outer)] == ["many.name", "maybe.name"]


def test_what_is_kept_leaves_out_what_is_not_needed_for_ever_and_what_is_absent() -> None:
    buyer = a_buyer(phone=None)
    kept: dict[str, Any] = kept_of(buyer)
    assert "identity_number" not in kept
    assert "ip" not in kept
    assert "phone" not in kept
    assert kept["email"] == buyer.email
    assert kept["address"] == buyer.address.model_dump()
