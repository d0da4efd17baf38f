"""What an order about the registry comes to, decided on values alone: no clock, no I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from agents.integrations.settings_rules import Fault, merged, settings_fault
from providers.connector import Connector
from schemas.integrations import (
    AddIntegration,
    ChangeIntegration,
    DisableIntegration,
    EnableIntegration,
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
    IntegrationState,
    MapUser,
    PauseIntegration,
    PutRoutingRule,
    RemoveIntegration,
    RemoveRoutingRule,
    ResumeIntegration,
    RoutingRulePut,
    RoutingRuleRemoved,
    RuleState,
    Status,
    StatusOrder,
    UnmapUser,
    UserMapped,
    UserMapping,
    UserUnmapped,
)


@dataclass(frozen=True, slots=True)
class House:
    """What does not change while a worker runs.

    Attributes:
        connectors: by name.
        environment: the hub's; sandbox and production never mix.
        reserved: ids of accounts in the settings.
    """

    connectors: Mapping[str, Connector]
    environment: str
    reserved: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What is open at an integration; see `registry_outstanding.sql`."""

    waiting: int = 0
    unconcluded: int = 0
    unsettled: int = 0

    def __bool__(self) -> bool:
        return any((self.waiting, self.unconcluded, self.unsettled))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the registry holds of the thing that an order is about.

    Attributes:
        known: those of the integrations that a rule names which are there.
        naming: routing rules that name the integration.
    """

    integration: IntegrationState | None = None
    mapping: UserMapping | None = None
    rule: RuleState | None = None
    known: frozenset[str] = frozenset()
    naming: tuple[str, ...] = ()
    outstanding: Outstanding = field(default_factory=Outstanding)


@dataclass(frozen=True, slots=True)
class Asked:
    """An order under its id, and what its change would be numbered and dated."""

    command_id: UUID
    command: IntegrationCommand
    revision: int
    at: datetime


def decide(asked: Asked, standing: Standing, house: House) -> IntegrationResult:
    """The one result of an order."""
    match asked.command:
        case AddIntegration() as command:
            return _added(asked, command, standing, house)
        case ChangeIntegration() as command:
            return _changed(asked, command, standing, house)
        case (
            PauseIntegration()
            | ResumeIntegration()
            | DisableIntegration()
            | EnableIntegration()
            | RemoveIntegration() as command
        ):
            return _moved(asked, command, standing, house)
        case MapUser() as command:
            return _mapped(asked, command, standing, house)
        case UnmapUser() as command:
            return _unmapped(asked, command, standing)
        case PutRoutingRule() as command:
            return _rule_put(asked, command, standing, house)
        case RemoveRoutingRule() as command:
            return _rule_removed(asked, command, standing)
        case _:
            assert_never(asked.command)


def _added(asked: Asked, command: AddIntegration, standing: Standing, house: House) -> IntegrationResult:
    connector = house.connectors.get(command.provider)
    if command.integration_id in house.reserved:
        return _refused(asked, "in_settings", "integration_id", "KOLAJ_INTEGRATIONS names this id; choose another one")
    if standing.integration is not None and standing.integration.status != "removed":
        return _refused(asked, "exists", "integration_id", "an integration has this id already; choose another one")
    if connector is None:
        there = ", ".join(sorted(house.connectors))
        return _refused(asked, "unknown_provider", "provider", f"no provider is called so; there are {there or 'none'}")
    if command.kind != connector.kind:
        return _refused(asked, "wrong_kind", "kind", f"{connector.name} is of kind {connector.kind}")
    if command.environment != house.environment:
        detail = f"this hub is of environment {house.environment}; run sandbox and production apart"
        return _refused(asked, "wrong_environment", "environment", detail)
    fault = settings_fault(connector, command.environment, command.settings)
    if fault is not None:
        return _faulty(asked, fault)
    state = IntegrationState(
        integration_id=command.integration_id,
        kind=connector.kind,
        provider=connector.name,
        version=connector.version,
        environment=command.environment,
        status="active",
        name=command.name,
        owner=command.owner,
        settings=command.settings,
        revision=asked.revision,
        created_at=asked.at,
        changed_at=asked.at,
    )
    return IntegrationAdded(command_id=asked.command_id, by=command.by, decided_at=asked.at, integration=state)


def _changed(asked: Asked, command: ChangeIntegration, standing: Standing, house: House) -> IntegrationResult:
    known = standing.integration
    if known is None or known.status == "removed":
        return _unknown(asked, house)
    if command.expected_revision not in {None, known.revision}:
        return _differs(asked, known.revision)
    connector = house.connectors.get(known.provider)
    if connector is None:
        return _refused(asked, "unknown_provider", "integration_id", f"this hub has no connector {known.provider}")
    settings = merged(known.settings, command.settings, command.unset)
    fault = settings_fault(connector, known.environment, settings)
    if fault is not None:
        return _faulty(asked, fault)
    state = known.model_copy(
        update={
            "settings": settings,
            "version": connector.version,
            "name": command.name or known.name,
            "owner": command.owner or known.owner,
            "revision": asked.revision,
            "changed_at": asked.at,
        }
    )
    return IntegrationChanged(command_id=asked.command_id, by=command.by, decided_at=asked.at, integration=state)


def _moved(asked: Asked, command: StatusOrder, standing: Standing, house: House) -> IntegrationResult:
    known = standing.integration
    if known is None or known.status == "removed":
        return _unknown(asked, house)
    refusal = _status_refusal(asked, command, known, standing)
    if refusal is not None:
        return refusal
    update = {"status": _status_after(command), "revision": asked.revision, "changed_at": asked.at}
    state = known.model_copy(update=update)
    said: dict[str, Any] = {"command_id": asked.command_id, "by": command.by, "decided_at": asked.at}
    match command:
        case PauseIntegration():
            return IntegrationPaused(**said, integration=state, why=command.why)
        case DisableIntegration():
            return IntegrationDisabled(**said, integration=state, why=command.why)
        case ResumeIntegration():
            return IntegrationResumed(**said, integration=state)
        case EnableIntegration():
            return IntegrationEnabled(**said, integration=state)
        case RemoveIntegration():
            return IntegrationRemoved(**said, integration=state)
        case _:
            assert_never(command)


def _status_after(command: StatusOrder) -> Status:
    match command:
        case PauseIntegration():
            return "paused"
        case ResumeIntegration() | EnableIntegration():
            return "active"
        case DisableIntegration():
            return "disabled"
        case RemoveIntegration():
            return "removed"
        case _:
            assert_never(command)


def _status_refusal(
    asked: Asked, command: StatusOrder, known: IntegrationState, standing: Standing
) -> IntegrationCommandRefused | None:
    wanted: dict[type[StatusOrder], tuple[Status, ...]] = {
        PauseIntegration: ("active",),
        ResumeIntegration: ("paused",),
        DisableIntegration: ("active", "paused"),
        EnableIntegration: ("disabled",),
        RemoveIntegration: ("disabled",),
    }
    allowed = wanted[type(command)]
    if known.status not in allowed:
        detail = f"it is {known.status}, and has to be {' or '.join(allowed)} for this"
        return _refused(asked, "invalid_status", "integration_id", detail)
    if not isinstance(command, RemoveIntegration):
        return None
    if standing.naming:
        detail = f"routing rules name it: {', '.join(standing.naming[:10])}; put or remove them first"
        return _refused(asked, "named_by_rule", "integration_id", detail)
    if standing.outstanding:
        left = standing.outstanding
        detail = (
            f"{left.waiting} commands wait for it, {left.unconcluded} were sent and have no result, and the outcome of "
            f"{left.unsettled} payments there is open; settle them first (`kolaj commands waiting`, `resolve`)"
        )
        return _refused(asked, "outstanding", "integration_id", detail)
    return None


def _mapped(asked: Asked, command: MapUser, standing: Standing, house: House) -> IntegrationResult:
    if not _is_there(command.integration_id, standing, house):
        return _unknown(asked, house)
    mapping = UserMapping(
        user_id=command.user_id,
        integration_id=command.integration_id,
        external_user_id=command.external_user_id,
        metadata=command.metadata,
        revision=asked.revision,
        created_at=asked.at if standing.mapping is None else standing.mapping.created_at,
        changed_at=asked.at,
    )
    return UserMapped(command_id=asked.command_id, by=command.by, decided_at=asked.at, mapping=mapping)


def _unmapped(asked: Asked, command: UnmapUser, standing: Standing) -> IntegrationResult:
    if standing.mapping is None:
        return _refused(asked, "not_mapped", "user_id", "this user is not mapped to this integration")
    return UserUnmapped(
        command_id=asked.command_id,
        by=command.by,
        decided_at=asked.at,
        integration_id=command.integration_id,
        user_id=command.user_id,
        revision=asked.revision,
    )


def _rule_put(asked: Asked, command: PutRoutingRule, standing: Standing, house: House) -> IntegrationResult:
    rule, known = command.rule, standing.rule
    if rule.rule_id != command.rule_id:
        return _refused(asked, "invalid_rule", "rule.rule_id", "must be the rule_id of the command")
    if command.expected_revision not in {None, known.revision if known is not None else None}:
        return _differs(asked, known.revision if known is not None else 0)
    missing = sorted({*rule.integration_ids} - standing.known - {*house.reserved})
    if missing:
        detail = f"no integration is called {', '.join(missing)}; add it first"
        return _refused(asked, "unknown_integration", "rule.choices", detail)
    state = RuleState(
        rule=rule,
        revision=asked.revision,
        created_at=asked.at if known is None else known.created_at,
        changed_at=asked.at,
    )
    return RoutingRulePut(command_id=asked.command_id, by=command.by, decided_at=asked.at, state=state)


def _rule_removed(asked: Asked, command: RemoveRoutingRule, standing: Standing) -> IntegrationResult:
    if standing.rule is None:
        return _refused(asked, "unknown_rule", "rule_id", "no routing rule is called so")
    return RoutingRuleRemoved(
        command_id=asked.command_id,
        by=command.by,
        decided_at=asked.at,
        rule_id=command.rule_id,
        revision=asked.revision,
    )


def _is_there(integration_id: str, standing: Standing, house: House) -> bool:
    known = standing.integration
    return integration_id in house.reserved or (known is not None and known.status != "removed")


def _unknown(asked: Asked, house: House) -> IntegrationCommandRefused:
    if getattr(asked.command, "integration_id", None) in house.reserved:
        detail = "this account stands in KOLAJ_INTEGRATIONS; change it there and start the workers anew"
        return _refused(asked, "in_settings", "integration_id", detail)
    detail = "no integration has this id; `kolaj integrations list` shows those there are"
    return _refused(asked, "unknown_integration", "integration_id", detail)


def _differs(asked: Asked, revision: int) -> IntegrationCommandRefused:
    detail = f"it stands at revision {revision}: somebody has changed it since; look at it and decide anew"
    return _refused(asked, "revision_differs", "expected_revision", detail)


def _faulty(asked: Asked, fault: Fault) -> IntegrationCommandRefused:
    return _refused(asked, fault.reason, fault.field, fault.detail)


def _refused(asked: Asked, reason: str, named: str, detail: str) -> IntegrationCommandRefused:
    command = asked.command
    return IntegrationCommandRefused(
        command_id=asked.command_id,
        by=command.by,
        decided_at=asked.at,
        command_type=command.type,
        integration_id=getattr(command, "integration_id", None),
        rule_id=getattr(command, "rule_id", None),
        reason=reason,
        field=named,
        detail=detail,
    )
