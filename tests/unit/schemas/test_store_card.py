"""A card that is to be kept is named in one way."""

import json

import pytest
from pydantic import ValidationError

from schemas.ids import new_id
from schemas.payments.resources import StoreCard

_CARD_REF = str(new_id())


@pytest.mark.parametrize("named", [{}, {"card_ref": _CARD_REF, "provider_token": "pm_1"}])
def test_a_card_is_named_by_its_vault_or_by_a_provider_s_token_and_not_by_both(named: dict[str, str]) -> None:
    said = {"resource_id": str(new_id()), "buyer_id": "buyer-7", "email": "isil@example.com", **named}
    with pytest.raises(ValidationError, match="exactly one of card_ref and provider_token"):
        StoreCard.model_validate_json(json.dumps(said))


@pytest.mark.parametrize("named", [{"card_ref": _CARD_REF}, {"provider_token": "pm_1"}])
def test_either_way_will_do(named: dict[str, str]) -> None:
    said = {"resource_id": str(new_id()), "buyer_id": "buyer-7", "email": "isil@example.com", **named}
    told = StoreCard.model_validate_json(json.dumps(said))
    assert {name: value for name, value in told.model_dump(mode="json").items() if name in named} == named
