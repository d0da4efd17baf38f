"""`kolaj integrations routes | route-put | route-remove`: how commands are routed that name no integration."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from agents.integrations import reading
from infra.cli.by_hand import By, ledger_of, named
from infra.cli.integration_changes import WAIT_S, Wait
from infra.cli.output import Json, emit, run, say, tables
from infra.cli.setting_words import json_object
from infra.registry_orders import ordered
from infra.settings import Settings, read_settings
from schemas.integrations import PutRoutingRule, RemoveRoutingRule, RuleState
from schemas.routing import RoutingRule


def register(app: typer.Typer) -> None:
    """Make the commands part of `kolaj integrations`."""
    app.command()(routes)
    app.command("route-put")(put)
    app.command("route-remove")(remove)


def routes(*, json: Annotated[bool, Json] = False) -> None:
    """Show the routing rules, the one that is asked first on top."""
    states = run(_rules(read_settings(kafka=False)))
    states.sort(key=lambda state: state.rule.order)
    if json:
        emit([state.model_dump(mode="json", exclude_none=True) for state in states])
        return
    table = Table("rule", "priority", "when", "choices", "fallback", "revision")
    for state in states:
        rule = state.rule
        when = rule.when.model_dump_json(exclude_none=True)
        choices = ", ".join(f"{choice.integration_id} {choice.weight}" for choice in rule.choices)
        cells = (rule.rule_id, str(rule.priority), when, choices, ", ".join(rule.fallback), str(state.revision))
        table.add_row(*map(escape, cells))
    tables().print(table)


def put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rule as JSON; - for standard input.")],
    *,
    by: By,
    wait_s: Wait = WAIT_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Put a routing rule, new or in the place of the one of its `rule_id`."""
    told = json_object(file, "FILE")
    try:
        rule = RoutingRule.model_validate_json(dumps(told))
        order = PutRoutingRule(rule_id=rule.rule_id, rule=rule, by=named(by, "--by"))
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", param_hint="FILE") from None
    _do(order, wait_s, json=json)


def remove(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")],
    *,
    by: By,
    wait_s: Wait = WAIT_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Remove a routing rule."""
    _do(RemoveRoutingRule(rule_id=rule_id, by=named(by, "--by")), wait_s, json=json)


def _do(order: PutRoutingRule | RemoveRoutingRule, wait_s: float, *, json: bool) -> None:
    result = run(ordered(read_settings(database=False), order, wait_s=wait_s))
    if json:
        emit({"type": result.type, **result.model_dump(mode="json", exclude_none=True)})
    else:
        say(f"{order.rule_id}: done")


async def _rules(settings: Settings) -> list[RuleState]:
    async with ledger_of(settings) as pool:
        return await reading.rules(pool)
