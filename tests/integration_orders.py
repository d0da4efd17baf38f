"""Valid orders about integrations, their results, and what a registry holds."""

from typing import Any

from schemas.ids import new_id
from schemas.integrations import (
    AddIntegration,
    ChangeIntegration,
    DisableIntegration,
    EnableIntegration,
    IntegrationAdded,
    IntegrationChanged,
    IntegrationCommandRefused,
    IntegrationCommandRejected,
    IntegrationDisabled,
    IntegrationEnabled,
    IntegrationPaused,
    IntegrationRemoved,
    IntegrationResumed,
    IntegrationState,
    MapUser,
    PauseIntegration,
    PutRoutingRule,
    RemoveIntegration,
    RemoveRoutingRule,
    ResumeIntegration,
    RoutingRule,
    RoutingRulePut,
    RoutingRuleRemoved,
    RuleState,
    UnmapUser,
    UserMapped,
    UserMapping,
    UserUnmapped,
    Weighted,
)
from tests.builders import NOON

SHOP = "iyzico-shop"
BY = "Işıl Çağrı"


def an_add(integration_id: str = SHOP, **changed: Any) -> AddIntegration:
    given: dict[str, Any] = {
        "integration_id": integration_id,
        "kind": "payment",
        "provider": "iyzico",
        "environment": "sandbox",
        "name": "Çarşı",
        "owner": "shop-7",
        "by": BY,
    }
    return AddIntegration(**(given | changed))


def a_change(integration_id: str = SHOP, **changed: Any) -> ChangeIntegration:
    return ChangeIntegration(**({"integration_id": integration_id, "by": BY} | changed))


def a_pause(integration_id: str = SHOP, **changed: Any) -> PauseIntegration:
    return PauseIntegration(**({"integration_id": integration_id, "by": BY} | changed))


def a_resume(integration_id: str = SHOP) -> ResumeIntegration:
    return ResumeIntegration(integration_id=integration_id, by=BY)


def a_disable(integration_id: str = SHOP) -> DisableIntegration:
    return DisableIntegration(integration_id=integration_id, by=BY)


def an_enable(integration_id: str = SHOP) -> EnableIntegration:
    return EnableIntegration(integration_id=integration_id, by=BY)


def a_removal(integration_id: str = SHOP) -> RemoveIntegration:
    return RemoveIntegration(integration_id=integration_id, by=BY)


def a_mapping(user_id: str = "seller-1", **changed: Any) -> MapUser:
    given = {"integration_id": SHOP, "by": BY, "user_id": user_id, "external_user_id": "sub-merchant-1"}
    return MapUser(**(given | changed))


def an_unmapping(user_id: str = "seller-1", integration_id: str = SHOP) -> UnmapUser:
    return UnmapUser(integration_id=integration_id, by=BY, user_id=user_id)


def a_rule(rule_id: str = "lira", *named: str) -> RoutingRule:
    return RoutingRule(
        rule_id=rule_id, priority=0, choices=tuple(Weighted(integration_id=name, weight=1) for name in named or (SHOP,))
    )


def a_rule_put(rule_id: str = "lira", *named: str, **changed: Any) -> PutRoutingRule:
    given: dict[str, Any] = {"rule_id": rule_id, "rule": a_rule(rule_id, *named), "by": BY}
    return PutRoutingRule(**(given | changed))


def a_rule_removal(rule_id: str = "lira") -> RemoveRoutingRule:
    return RemoveRoutingRule(rule_id=rule_id, by=BY)


def a_state(integration_id: str = SHOP, **changed: Any) -> IntegrationState:
    given: dict[str, Any] = {
        "integration_id": integration_id,
        "kind": "payment",
        "provider": "iyzico",
        "version": "2",
        "environment": "sandbox",
        "status": "active",
        "name": "Çarşı",
        "owner": "shop-7",
        "settings": {},
        "revision": 1,
        "created_at": NOON,
        "changed_at": NOON,
    }
    return IntegrationState(**(given | changed))


def a_user_mapping(**changed: Any) -> UserMapping:
    given: dict[str, Any] = {
        "user_id": "seller-1",
        "integration_id": SHOP,
        "external_user_id": "sub-merchant-1",
        "revision": 2,
        "created_at": NOON,
        "changed_at": NOON,
    }
    return UserMapping(**(given | changed))


def _said(**changed: Any) -> dict[str, Any]:
    return {"command_id": new_id(), "by": BY, "decided_at": NOON} | changed


def an_added(**changed: Any) -> IntegrationAdded:
    return IntegrationAdded(**_said(integration=a_state(**changed)))


def a_changed(**changed: Any) -> IntegrationChanged:
    return IntegrationChanged(**_said(integration=a_state(**changed)))


def a_paused(**changed: Any) -> IntegrationPaused:
    return IntegrationPaused(**_said(integration=a_state(status="paused", **changed)))


def a_resumed(**changed: Any) -> IntegrationResumed:
    return IntegrationResumed(**_said(integration=a_state(**changed)))


def a_disabled(**changed: Any) -> IntegrationDisabled:
    return IntegrationDisabled(**_said(integration=a_state(status="disabled", **changed)))


def an_enabled(**changed: Any) -> IntegrationEnabled:
    return IntegrationEnabled(**_said(integration=a_state(**changed)))


def a_removed(**changed: Any) -> IntegrationRemoved:
    return IntegrationRemoved(**_said(integration=a_state(status="removed", **changed)))


def a_mapped(**changed: Any) -> UserMapped:
    return UserMapped(**_said(mapping=a_user_mapping(**changed)))


def an_unmapped(**changed: Any) -> UserUnmapped:
    return UserUnmapped(**(_said(integration_id=SHOP, user_id="seller-1", revision=3) | changed))


def a_rule_state(rule: RoutingRule | None = None, revision: int = 1) -> RuleState:
    return RuleState(rule=rule or a_rule(), revision=revision, created_at=NOON, changed_at=NOON)


def a_rule_was_put(revision: int = 1) -> RoutingRulePut:
    return RoutingRulePut(**_said(state=a_rule_state(revision=revision)))


def a_rule_was_removed(revision: int = 2) -> RoutingRuleRemoved:
    return RoutingRuleRemoved(**_said(rule_id="lira", revision=revision))


def an_order_refused(**changed: Any) -> IntegrationCommandRefused:
    given = _said(
        command_type="integrations.add.v1",
        integration_id=SHOP,
        reason="exists",
        field="integration_id",
        detail="choose another one",
    )
    return IntegrationCommandRefused(**(given | changed))


def an_order_rejected(**changed: Any) -> IntegrationCommandRejected:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "reason": "invalid_field",
        "field": "kind",
        "detail": "is no kind",
        "topic": "kolaj.integrations.commands",
        "partition": 0,
        "offset": 7,
        "observed_at": NOON,
    }
    return IntegrationCommandRejected(**(given | changed))


ORDERS = (
    an_add(settings={"breaker_threshold": 3}),
    a_change(settings={"breaker_open_s": 1.5}, unset=("base_url",), expected_revision=1),
    a_pause(why="it charges twice"),
    a_resume(),
    a_disable(),
    an_enable(),
    a_removal(),
    a_mapping(metadata={"store": "Kadıköy"}),
    an_unmapping(),
    a_rule_put(),
    a_rule_removal(),
)
RESULTS = (
    an_added(),
    a_changed(),
    a_paused(),
    a_resumed(),
    a_disabled(),
    an_enabled(),
    a_removed(),
    a_mapped(),
    an_unmapped(),
    a_rule_was_put(),
    a_rule_was_removed(),
    an_order_refused(),
    an_order_rejected(),
)
