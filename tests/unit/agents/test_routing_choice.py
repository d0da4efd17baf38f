from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.payments.decisions import Refuse
from agents.routing import Route, Way, route
from providers.connector import Integration
from providers.registry import connectors
from schemas.ids import new_id
from schemas.money import Share
from schemas.payments import CardRef, Crypto, Payment, Reason, StoredCard
from schemas.routing import Routed, RoutingCondition, RoutingRule, Weighted
from tests.builders import a_create_payment, a_refund_payment, an_address, lira, money

ID = UUID("018f3a00-0000-7000-8000-000000000007")
CARD = CardRef(kind="card_ref", card_ref=ID)
STORED = StoredCard(kind="stored_card", card_token="t")
IYZICO = connectors()["iyzico"]
OTHERS = replace(IYZICO, name="others", methods=("card_ref", "crypto"))


def integrations(*names: str, **connectors: Any) -> dict[str, Integration]:
    given = dict.fromkeys(names, IYZICO) | connectors
    return {name: Integration(name, connector, "sandbox", "https://x.example", {}) for name, connector in given.items()}


ALL = integrations("a", "b", "c", "d")


def a_rule(
    *weights: tuple[str, int], fallback: tuple[str, ...] = (), priority: int = 1, rule_id: str = "r", **when: Any
) -> RoutingRule:
    return RoutingRule(
        rule_id=rule_id,
        priority=priority,
        when=RoutingCondition(**when),
        choices=tuple(Weighted(integration_id=name, weight=weight) for name, weight in weights),
        fallback=fallback,
    )


def routed(
    *rules: RoutingRule,
    command_id: UUID = ID,
    among: Mapping[str, Integration] = ALL,
    owners: Mapping[str, Sequence[str]] | None = None,
    **command: Any,
) -> Route:
    wanted = a_create_payment(**({"integration_id": None, "method": CARD} | command))
    payment = Payment(payment_id=wanted.payment_id)
    found = route(command_id, wanted, payment, among, rules=rules, owners=owners)
    assert isinstance(found, Route), found
    return found


def order(found: Route) -> list[str]:
    return [choice.integration.id for choice in found.choices]


def refused(command: Any, among: Mapping[str, Integration], *rules: RoutingRule, **named: Any) -> Refuse:
    found = route(ID, command, Payment(payment_id=command.payment_id), among, rules=rules, **named)
    assert isinstance(found, Refuse)
    return found


# Where there is nothing to choose.


def test_the_integration_that_is_named_wins_over_every_rule() -> None:
    found = routed(a_rule(("a", 1)), integration_id="b")
    assert order(found) == ["b"]
    assert found.way({}) == Way(ALL["b"], None)


def test_later_commands_go_where_the_payment_was_created() -> None:
    command = a_refund_payment(integration_id="a")
    payment = Payment(payment_id=command.payment_id, stage="captured", integration_id="c")
    found = route(ID, command, payment, ALL, rules=[a_rule(("a", 1))])
    assert isinstance(found, Route)
    assert (order(found), found.chosen) == (["c"], False)


def test_the_only_integration_is_taken_when_no_rule_says_otherwise() -> None:
    way = routed(a_rule(("a", 1), currencies=("EUR",)), among=integrations("a")).way({})
    assert way is not None
    assert way.routed == Routed(integration_id="a", why="the only integration")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ((), "integration_id is missing and there are several integrations"),
        ((a_rule(("a", 1), currencies=("EUR",)),), "integration_id is missing, no routing rule matches and there are"),
        ((a_rule(("gone", 1)),), "integration_id is missing, no routing rule matches"),
    ],
)
def test_several_integrations_and_no_rule_is_refused_and_not_guessed(rules: tuple[RoutingRule, ...], says: str) -> None:
    refusal = refused(a_create_payment(integration_id=None), ALL, *rules)
    assert refusal.reason is Reason.UNKNOWN_INTEGRATION
    assert says in refusal.detail


# Rules.


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ({"currencies": ("EUR",)}, {"amount": money("5.00", "EUR")}, {}),
        ({"countries": ("Türkiye", "Turkey")}, {}, {"billing_address": an_address(country="TURKEY")}),
        ({"card_programmes": ("bonus", "world")}, {"card_programme": "world"}, {"card_programme": "axess"}),
        ({"card_programmes": ("bonus",)}, {"card_programme": "bonus"}, {}),
        ({"owners": ("shop-7",)}, {"owner": "shop-7"}, {"owner": "shop-8"}),
        ({"owners": ("shop-7",)}, {"owner": "shop-7"}, {}),
        ({"min_amount": Share.parse("20.00", "TRY")}, {"amount": lira("20.00")}, {"amount": lira("19.99")}),
        ({"max_amount": Share.parse("20.00", "TRY")}, {"amount": lira("20.00")}, {"amount": lira("20.01")}),
        ({"currencies": ("TRY",), "owners": ("shop-7",)}, {"owner": "shop-7"}, {"owner": "shop-8"}),
    ],
)
def test_a_rule_takes_what_matches_all_its_parts(
    when: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    rules = (a_rule(("a", 1), **when), a_rule(("d", 1), priority=9, rule_id="rest"))
    assert order(routed(*rules, **matching)) == ["a"]
    assert order(routed(*rules, **other)) == ["d"]


def test_the_lowest_priority_is_asked_first_and_then_the_id() -> None:
    rules = [a_rule((name, 1), priority=number, rule_id=name) for name, number in (("c", 2), ("b", 1), ("a", 1))]
    assert order(routed(*rules)) == ["a"]


def test_a_rule_without_an_integration_that_is_there_is_passed_by() -> None:
    assert order(routed(a_rule(("gone", 1), fallback=("away",)), a_rule(("b", 1), priority=2, rule_id="s"))) == ["b"]
    assert order(routed(a_rule(("gone", 1), fallback=("b",)))) == ["b"]


def test_choices_come_before_the_fallback_in_its_order_and_weight_0_gets_nothing() -> None:
    found = order(routed(a_rule(("a", 5), ("b", 5), ("gone", 0), fallback=("d", "c"))))
    assert sorted(found[:2]) == ["a", "b"]
    assert found[2:] == ["d", "c"]
    assert order(routed(a_rule(("a", 0), ("b", 1)))) == ["b"]


def test_weights_hold_over_many_commands() -> None:
    rule = a_rule(("a", 70), ("b", 20), ("c", 10))
    firsts = Counter(order(routed(rule, command_id=UUID(int=number)))[0] for number in range(4_000))
    # Within four standard deviations of what chance alone would do.
    for name, share in (("a", 0.7), ("b", 0.2), ("c", 0.1)):
        assert abs(firsts[name] - 4_000 * share) < 4 * (4_000 * share * (1 - share)) ** 0.5


@given(st.uuids(), st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any))
def test_a_command_draws_the_same_order_each_time_and_no_integration_twice(
    command_id: UUID, weights: list[int]
) -> None:
    rule = a_rule(*zip("abcd", weights, strict=False))
    once, again = (order(routed(rule, command_id=command_id)) for _ in range(2))
    assert once == again
    assert sorted(once) == sorted(name for name, weight in zip("abcd", weights, strict=False) if weight)


# Owners.


def test_an_owner_is_served_by_its_integrations_alone() -> None:
    rule = a_rule(("a", 99), ("b", 1), fallback=("c", "d"))
    assert order(routed(rule, owner="shop-7", owners={"shop-7": ("b", "d")})) == ["b", "d"]


def test_an_owner_without_an_integration_is_served_by_those_that_are_nobodys() -> None:
    rule = a_rule(("a", 99), ("b", 1), fallback=("c", "d"))
    assert order(routed(rule, owner="shop-8", owners={"shop-7": ("b", "d")})) == ["a", "c"]
    command = a_create_payment(integration_id=None, owner="shop-8")
    refusal = refused(command, ALL, rule, owners={"shop-7": tuple(ALL)})
    assert refusal.detail.startswith("owner uses no integration that this hub has")


def test_a_command_that_names_no_owner_may_go_to_any() -> None:
    rule = a_rule(("a", 99), ("b", 1), fallback=("c", "d"))
    assert set(order(routed(rule, owners={"shop-7": ("b", "d")}))) == {"a", "b", "c", "d"}


def test_an_owners_only_integration_is_taken_without_a_rule() -> None:
    way = routed(owner="shop-7", owners={"shop-7": ("b",)}).way({})
    assert way is not None
    assert way.routed == Routed(integration_id="b", why="the only integration for owner shop-7")


def test_an_owner_whose_integrations_are_gone_is_refused() -> None:
    command = a_create_payment(integration_id=None, owner="shop-7")
    refusal = refused(command, ALL, a_rule(("a", 1)), owners={"shop-7": ("gone",)})
    assert refusal.detail.startswith("owner uses no integration that this hub has")


# What can be performed, and what can be performed now.


def test_an_integration_that_takes_no_such_method_is_left_out_unless_none_does() -> None:
    page = Crypto(kind="crypto", return_url="https://shop.example/back")
    mixed = integrations("a", b=OTHERS)
    assert order(routed(a_rule(("a", 1), fallback=("b",)), among=mixed, method=page)) == ["b"]
    assert order(routed(a_rule(("a", 1)), among=mixed, method=page)) == ["a"]


def test_a_token_of_one_provider_is_not_passed_on_to_another() -> None:
    mixed = integrations("a", "c", b=replace(OTHERS, methods=("stored_card", "card_ref")))
    rule = a_rule(("a", 1), fallback=("b", "c"))
    assert order(routed(rule, among=mixed, method=STORED)) == ["a", "c"]
    assert order(routed(rule, among=mixed)) == ["a", "b", "c"]


def test_what_is_passed_over_is_told_with_the_reason() -> None:
    found = routed(a_rule(("a", 1), fallback=("b", "c")))
    assert found.way({"a": "it could not be reached", "b": "an operator stopped it"}) == Way(
        ALL["c"],
        Routed(
            rule_id="r",
            integration_id="c",
            why="fallback of rule r; a was passed over: it could not be reached; "
            "b was passed over: an operator stopped it",
            fallback_of=("a", "b"),
        ),
    )
    assert found.way(dict.fromkeys("abc", "calls to it are paused")) is None
    assert found.foremost.integration is ALL["a"]


def test_the_choice_by_weight_is_told() -> None:
    way = routed(a_rule(("a", 1), ("b", 3)), command_id=new_id()).way({})
    assert way is not None
    assert way.routed is not None
    weight = {"a": 1, "b": 3}[way.integration.id]
    assert way.routed.why == f"drawn by rule r (weight {weight} of 4)"
