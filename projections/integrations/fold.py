"""Changes of the registry, to rows of `integration_configs`, `integration_user_mappings` and `routing_rules`."""

import json
from datetime import datetime
from typing import NamedTuple, TypeAlias

from projections.columns import as_jsonb
from projections.entry import Entry
from schemas.integrations import (
    IntegrationChange,
    RoutingRulePut,
    RoutingRuleRemoved,
    UserMapped,
    UserUnmapped,
)


class ConfigRow(NamedTuple):
    """In the order of the statement's columns, as are the others."""

    integration_id: str
    integration_type: str
    provider: str
    version: str
    name: str
    status: str
    environment: str
    owner: str | None
    revision: int
    config: str | None
    metadata: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> tuple[str, ...]:
        return (self.integration_id,)


class MappingRow(NamedTuple):
    user_id: str
    integration_id: str
    external_user_id: str | None
    metadata: str | None
    revision: int
    removed_at: datetime | None
    created_at: datetime | None
    updated_at: datetime

    @property
    def key(self) -> tuple[str, ...]:
        return (self.user_id, self.integration_id)


class RuleRow(NamedTuple):
    rule_id: str
    capability: str | None
    priority: int | None
    rule: str | None
    revision: int
    removed_at: datetime | None
    created_at: datetime | None
    updated_at: datetime

    @property
    def key(self) -> tuple[str, ...]:
        return (self.rule_id,)


Row: TypeAlias = ConfigRow | MappingRow | RuleRow


def fold(entry: Entry) -> tuple[Row, ...]:
    match entry.body:
        case IntegrationChange() as change:
            return (_config(change),)
        case UserMapped(mapping=mapping):
            return (
                MappingRow(
                    mapping.user_id,
                    mapping.integration_id,
                    mapping.external_user_id,
                    as_jsonb(json.dumps(mapping.metadata)),
                    mapping.revision,
                    None,
                    mapping.created_at,
                    mapping.changed_at,
                ),
            )
        case UserUnmapped() as over:
            at = over.decided_at
            return (MappingRow(over.user_id, over.integration_id, None, None, over.revision, at, None, at),)
        case RoutingRulePut(state=state):
            rule = state.rule
            text = as_jsonb(rule.model_dump_json(exclude_none=True))
            row = (rule.rule_id, rule.capability, rule.priority, text, state.revision, None)
            return (RuleRow(*row, state.created_at, state.changed_at),)
        case RoutingRuleRemoved() as over:
            at = over.decided_at
            return (RuleRow(over.rule_id, None, None, None, over.revision, at, None, at),)
        case _:
            return ()


def latest(rows: list[Row]) -> list[Row]:
    """The last state of each thing, in the order of their keys."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        known = found.get(row.key)
        if known is None or known.revision < row.revision:
            found[row.key] = row
    return [found[key] for key in sorted(found)]


def _config(change: IntegrationChange) -> ConfigRow:
    state = change.integration
    return ConfigRow(
        integration_id=state.integration_id,
        integration_type=state.kind,
        provider=state.provider,
        version=state.version,
        name=state.name,
        status=state.status,
        environment=state.environment,
        owner=state.owner,
        revision=state.revision,
        config=as_jsonb(json.dumps(state.settings, ensure_ascii=False)),
        metadata=as_jsonb(
            json.dumps({"changed_by": change.by, "command_id": str(change.command_id)}, ensure_ascii=False)
        ),
        created_at=state.created_at,
        updated_at=state.changed_at,
    )
