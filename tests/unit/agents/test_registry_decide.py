"""What orders about integrations come to, on values alone."""

from dataclasses import replace
from typing import Any

import pytest

from agents.integrations.decide import Asked, House, Outstanding, Standing, decide
from providers.registry import connectors
from schemas.ids import new_id
from schemas.integrations import (
    IntegrationAdded,
    IntegrationChanged,
    IntegrationCommand,
    IntegrationCommandRefused,
    IntegrationDisabled,
    IntegrationEnabled,
    IntegrationPaused,
    IntegrationRemoved,
    IntegrationResult,
    IntegrationResumed,
    RoutingRulePut,
    RoutingRuleRemoved,
    Status,
    UserMapped,
    UserUnmapped,
)
from tests import integration_orders as an
from tests.builders import NOON

HOUSE = House(connectors(), "sandbox", frozenset({"iyzico-fixed"}))
NOBODY = Standing()
ACTIVE = Standing(an.a_state())


def decided(command: IntegrationCommand, standing: Standing = NOBODY, house: House = HOUSE) -> IntegrationResult:
    return decide(Asked(new_id(), command, 7, NOON), standing, house)


def refusal(command: IntegrationCommand, standing: Standing = NOBODY, house: House = HOUSE) -> tuple[str, str, str]:
    result = decided(command, standing, house)
    assert isinstance(result, IntegrationCommandRefused)
    return result.reason, result.field, result.detail


def test_in_production_no_order_sends_an_accounts_calls_to_another_address() -> None:
    """Whoever may order it would see requests with cards and persons, signed with secrets that he is not to have."""
    house = replace(HOUSE, environment="production")
    elsewhere = {"base_url": "https://iyzipay.example"}
    told = refusal(an.an_add(environment="production", settings=elsewhere), house=house)
    assert told[:2] == ("invalid_settings", "settings.base_url")
    standing = Standing(an.a_state(environment="production"))
    assert refusal(an.a_change(settings=elsewhere), standing, house) == told
    own = {"base_url": connectors()["iyzico"].base_urls["production"]}
    for settings in ({}, own):
        assert isinstance(
            decided(an.an_add(environment="production", settings=settings), house=house), IntegrationAdded
        )


def test_an_added_integration_is_active_at_once_and_has_its_whole_state_on_the_event() -> None:
    result = decided(an.an_add(settings={"breaker_threshold": 3}))
    assert isinstance(result, IntegrationAdded)
    assert result.integration == an.a_state(settings={"breaker_threshold": 3}, revision=7)


@pytest.mark.parametrize(
    ("changed", "reason", "field"),
    [
        ({"provider": "marmara"}, "unknown_provider", "provider"),
        ({"kind": "shipping"}, "wrong_kind", "kind"),
        ({"environment": "production"}, "wrong_environment", "environment"),
        ({"integration_id": "iyzico-fixed"}, "in_settings", "integration_id"),
        ({"settings": {"breaker_threshold": "3"}}, "invalid_settings", "settings.breaker_threshold"),
        ({"settings": {"breaker_threshold": 0}}, "invalid_settings", "settings.breaker_threshold"),
        ({"settings": {"colour": "red"}}, "invalid_settings", "settings.colour"),
        (
            {"settings": {"rate_limits": {"create": {"calls": 5}}}},
            "invalid_settings",
            "settings.rate_limits.create.per_s",
        ),
        ({"settings": {"base_url": "http://api.example"}}, "invalid_settings", "settings.base_url"),
        ({"settings": {"base_url": "https://u:p@api.example"}}, "invalid_settings", "settings.base_url"),
        ({"settings": {"absence_window_s": 5}}, "invalid_settings", "settings.absence_window_s"),
        ({"settings": {"merchant_id": "5 5"}}, "invalid_settings", "settings.merchant_id"),
    ],
)
def test_what_cannot_be_added_is_refused_with_its_field(changed: dict[str, Any], reason: str, field: str) -> None:
    assert refusal(an.an_add(**changed))[:2] == (reason, field)


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": "sandbox-abc"},
        {"apiKey": "sandbox-abc"},
        {"SECRET-KEY": "x"},
        {"rate_limits": {"create": {"password": "x"}}},
        {"Authorization": "Bearer x"},
        {"access_token": "x"},
        {"deep": [{"privateKey": "x"}]},
    ],
)
def test_a_secret_in_settings_is_refused_and_never_repeated(settings: dict[str, Any]) -> None:
    reason, _, detail = refusal(an.an_add(settings=settings))
    assert reason == "secret_in_settings"
    assert "kolaj credentials set" in detail
    assert "sandbox-abc" not in detail


def test_a_card_number_in_settings_is_refused() -> None:
    assert refusal(an.an_add(settings={"merchant_id": "5528790000000008"}))[:2] == (
        "card_number",
        "settings.merchant_id",
    )


def test_an_id_that_is_taken_is_refused_and_one_that_was_removed_is_free_again() -> None:
    assert refusal(an.an_add(), ACTIVE)[0] == "exists"
    assert isinstance(decided(an.an_add(), Standing(an.a_state(status="removed"))), IntegrationAdded)


def test_a_change_replaces_what_it_names_and_keeps_the_rest() -> None:
    before = an.a_state(settings={"breaker_threshold": 3, "breaker_open_s": 5})
    result = decided(an.a_change(settings={"breaker_threshold": 4}, unset=("breaker_open_s",)), Standing(before))
    assert isinstance(result, IntegrationChanged)
    after = result.integration
    assert (after.settings, after.name, after.owner, after.revision) == ({"breaker_threshold": 4}, "Çarşı", "shop-7", 7)


def test_a_change_on_top_of_somebody_elses_is_refused() -> None:
    reason, field, detail = refusal(an.a_change(name="x", expected_revision=1), Standing(an.a_state(revision=5)))
    assert (reason, field) == ("revision_differs", "expected_revision")
    assert "revision 5" in detail


@pytest.mark.parametrize(
    ("before", "order", "kind", "after"),
    [
        ("active", an.a_pause(), IntegrationPaused, "paused"),
        ("paused", an.a_resume(), IntegrationResumed, "active"),
        ("active", an.a_disable(), IntegrationDisabled, "disabled"),
        ("paused", an.a_disable(), IntegrationDisabled, "disabled"),
        ("disabled", an.an_enable(), IntegrationEnabled, "active"),
        ("disabled", an.a_removal(), IntegrationRemoved, "removed"),
    ],
)
def test_an_order_moves_the_status(before: Status, order: Any, kind: type[Any], after: Status) -> None:
    result = decided(order, Standing(an.a_state(status=before)))
    assert type(result) is kind
    assert isinstance(
        result, IntegrationPaused | IntegrationResumed | IntegrationDisabled | IntegrationEnabled | IntegrationRemoved
    )
    assert result.integration.status == after


@pytest.mark.parametrize(
    ("before", "order"),
    [
        ("paused", an.a_pause()),
        ("active", an.a_resume()),
        ("disabled", an.a_resume()),
        ("disabled", an.a_disable()),
        ("active", an.an_enable()),
        ("active", an.a_removal()),
        ("paused", an.a_removal()),
    ],
)
def test_an_order_that_does_not_fit_the_status_is_refused(before: Status, order: Any) -> None:
    assert refusal(order, Standing(an.a_state(status=before)))[0] == "invalid_status"


@pytest.mark.parametrize("order", [an.a_change(name="x"), an.a_pause(), an.a_removal(), an.a_mapping()])
def test_what_is_not_there_or_was_removed_is_unknown(order: Any) -> None:
    assert refusal(order)[0] == "unknown_integration"
    assert refusal(order, Standing(an.a_state(status="removed")))[0] == "unknown_integration"


@pytest.mark.parametrize("left", [Outstanding(waiting=1), Outstanding(unconcluded=1), Outstanding(unsettled=1)])
def test_an_integration_with_anything_open_is_not_removed(left: Outstanding) -> None:
    standing = Standing(an.a_state(status="disabled"), outstanding=left)
    assert refusal(an.a_removal(), standing)[0] == "outstanding"


def test_an_integration_that_a_rule_names_is_not_removed() -> None:
    standing = Standing(an.a_state(status="disabled"), naming=("lira",))
    reason, _, detail = refusal(an.a_removal(), standing)
    assert (reason, "lira" in detail) == ("named_by_rule", True)


def test_a_user_is_mapped_anew_with_the_date_of_the_first_time() -> None:
    before = an.a_user_mapping(created_at=NOON.replace(year=2025))
    result = decided(an.a_mapping(external_user_id="other"), replace(ACTIVE, mapping=before))
    assert isinstance(result, UserMapped)
    assert (result.mapping.external_user_id, result.mapping.created_at.year) == ("other", 2025)
    assert isinstance(decided(an.an_unmapping(), replace(ACTIVE, mapping=before)), UserUnmapped)
    assert refusal(an.an_unmapping(), ACTIVE)[0] == "not_mapped"


def test_an_account_of_the_settings_may_have_users_and_rules_but_is_not_changed() -> None:
    assert isinstance(decided(an.a_mapping(integration_id="iyzico-fixed")), UserMapped)
    assert isinstance(decided(an.a_rule_put("lira", "iyzico-fixed")), RoutingRulePut)
    assert refusal(an.a_change("iyzico-fixed", name="x"))[0] == "in_settings"


def test_a_rule_names_only_integrations_that_are_there() -> None:
    put = an.a_rule_put("lira", an.SHOP, "iyzico-none")
    assert refusal(put, Standing(known=frozenset({an.SHOP})))[:2] == ("unknown_integration", "rule.choices")
    assert isinstance(decided(an.a_rule_put(), Standing(known=frozenset({an.SHOP}))), RoutingRulePut)
    assert refusal(an.a_rule_put(rule=an.a_rule("other")))[0] == "invalid_rule"


def test_a_rule_is_removed_once() -> None:
    assert isinstance(decided(an.a_rule_removal(), Standing(rule=an.a_rule_state())), RoutingRuleRemoved)
    assert refusal(an.a_rule_removal())[0] == "unknown_rule"
