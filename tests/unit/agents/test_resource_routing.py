"""Where commands about resources go."""

from typing import Any
from uuid import UUID

from agents.payments.decisions import Refuse
from agents.routing import Route, closed_refusal, route
from providers.connector import Integration
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import Reason
from schemas.payments.resources import (
    CancelSubscription,
    CreateProduct,
    GetBalance,
    ListCards,
    LookUpCard,
    ResourceOrder,
    StoreCard,
)
from schemas.routing import RoutingCondition, RoutingRule, Weighted
from tests.resource_builders import a_resource, a_resource_command
from tests.unit.agents.works import INTEGRATIONS

ID: UUID = new_id()


def a_rule(rule_id: str = "r", first: str = "b", **changed: Any) -> RoutingRule:
    return RoutingRule(
        rule_id=rule_id,
        priority=1,
        choices=(Weighted(integration_id=first, weight=1),),
        **({"fallback": ("c",)} | changed),
    )


def goes(kind: type[ResourceOrder], *rules: RoutingRule, stands: Any = None, **changed: Any) -> list[str] | Reason:
    command = a_resource_command(kind, **changed)
    found = route(ID, command, stands or a_resource("new"), INTEGRATIONS, rules=rules)
    if isinstance(found, Refuse):
        return found.reason
    assert isinstance(found, Route)
    return [choice.integration.id for choice in found.choices]


def test_a_command_goes_where_it_says_and_later_ones_where_the_first_went() -> None:
    assert goes(StoreCard, integration_id="a") == ["a"]
    at_b = a_resource("active", integration_id="b")
    assert goes(CancelSubscription, stands=at_b, integration_id="a") == ["b"]
    assert goes(CancelSubscription, stands=at_b) == ["b"]
    assert goes(StoreCard, integration_id="nowhere") is Reason.UNKNOWN_INTEGRATION


def test_a_question_that_stands_alone_is_asked_where_it_says_whatever_was_asked_under_its_key() -> None:
    at_b = a_resource("active", integration_id="b")
    assert goes(ListCards, stands=at_b, integration_id="a") == ["a"]
    assert goes(GetBalance, stands=at_b) is Reason.UNKNOWN_INTEGRATION


def test_one_that_names_none_goes_by_a_rule_without_conditions() -> None:
    for_lira = a_rule("lira", "a", when=RoutingCondition(currencies=("TRY",)))
    assert goes(CreateProduct) is Reason.UNKNOWN_INTEGRATION
    assert goes(CreateProduct, for_lira) is Reason.UNKNOWN_INTEGRATION
    assert goes(CreateProduct, for_lira, a_rule()) == ["b", "c"]
    assert goes(LookUpCard, a_rule()) == ["b", "c"]


def test_a_token_of_a_provider_s_script_goes_to_that_provider_alone() -> None:
    places = {**INTEGRATIONS, "s": Integration("s", connectors()["stripe"], "sandbox", "https://x.example", {})}
    by_token: dict[str, Any] = {"card_ref": None, "provider_token": "pm_1"}
    first_at_stripe, last_at_stripe = a_rule(first="s", fallback=("b", "c")), a_rule(fallback=("c", "s"))

    def tried(rule: RoutingRule, **said: Any) -> list[str]:
        found = route(ID, a_resource_command(StoreCard, **said), a_resource("new"), places, rules=(rule,))
        assert isinstance(found, Route)
        return [choice.integration.id for choice in found.choices]

    assert tried(first_at_stripe, customer_key=None) == ["s", "b", "c"]
    assert tried(a_rule(fallback=("s", "c")), customer_key="theirs") == ["b", "c"], "a buyer is known at one provider"
    assert tried(first_at_stripe, **by_token) == ["s"]
    assert tried(last_at_stripe, **by_token) == ["s"], "who takes no tokens is not the provider that it is of"
    assert tried(a_rule(), **by_token) == ["b", "c"], "where nobody does, the refusal says so"


def test_a_disabled_integration_takes_no_command() -> None:
    command = a_resource_command(StoreCard, integration_id="a")
    refusal = closed_refusal(command, a_resource("new"), INTEGRATIONS)
    assert refusal is not None
    assert refusal.reason is Reason.UNKNOWN_INTEGRATION
    assert closed_refusal(a_resource_command(StoreCard), a_resource("new"), INTEGRATIONS) is None
