import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.money import Share
from schemas.routing import RoutingCondition, RoutingRule
from tests.builders import lira, money


def read(**changed: Any) -> RoutingRule:
    given: dict[str, Any] = {
        "rule_id": "cards",
        "priority": 1,
        "choices": [{"integration_id": "a", "weight": 7}, {"integration_id": "b", "weight": 3}],
    }
    return RoutingRule.model_validate_json(json.dumps(given | changed))


def share(amount: str, currency: str = "TRY") -> dict[str, Any]:
    return Share.parse(amount, currency).model_dump()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"choices": [{"integration_id": "a", "weight": 0}]}, "choices have weights that add up to 0"),
        ({"choices": [{"integration_id": "a", "weight": -1}]}, "choices.0.weight"),
        ({"choices": []}, "choices"),
        ({"choices": [{"integration_id": "a", "weight": 1}] * 2}, "choices name a twice"),
        ({"fallback": ["b"]}, "fallback names b, which is among choices"),
        ({"fallback": ["c", "c"]}, "fallback names c twice"),
        ({"fallback": ["Not an id"]}, "fallback.0"),
        ({"priority": -1}, "priority"),
        ({"capability": "shoes"}, "capability"),
        ({"weights": {}}, "weights"),
        ({"when": {"currencies": []}}, "when.currencies"),
        ({"when": {"currencies": ["ABC"]}}, "when.currencies.0"),
        ({"when": {"card_programmes": ["Bonus"]}}, "when.card_programmes.0"),
        ({"when": {"max_amount": {"minor": -1, "currency": "TRY"}}}, "when.max_amount.minor"),
        ({"when": {"min_amount": share("2"), "max_amount": share("1")}}, "max_amount 1.00 TRY is below min_amount"),
        ({"when": {"min_amount": share("1"), "max_amount": share("2", "EUR")}}, "max_amount is in EUR, min_amount in"),
        ({"when": {"currencies": ["EUR"], "min_amount": share("1")}}, "min_amount is in TRY, which is not among curr"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_the_name_of_the_field(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as raised:
        read(**changed)
    error = raised.value.errors()[0]
    assert says in ".".join(map(str, error["loc"])) + " " + error["msg"]


def test_a_rule_reads_back_as_it_was_written() -> None:
    rule = read(when={"currencies": ["TRY"], "min_amount": share("1.00"), "owners": ["shop-7"]}, fallback=["c"])
    assert RoutingRule.model_validate_json(rule.model_dump_json()) == rule
    assert rule.integration_ids == ("a", "b", "c")


def test_bounds_of_an_amount_belong_to_it_and_hold_in_their_currency_alone() -> None:
    bounds = RoutingCondition(min_amount=Share.parse("1", "TRY"), max_amount=Share.parse("10", "TRY"))
    assert [bounds.amount_matches(lira(amount)) for amount in ("0.99", "1.00", "10.00", "10.01")] == [
        False,
        True,
        True,
        False,
    ]
    assert not bounds.amount_matches(money("5.00", "EUR"))
    assert RoutingCondition().amount_matches(money("5.00", "EUR"))
