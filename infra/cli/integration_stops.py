"""`kolaj integrations stop | start | stopped`: the kill switch."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from agents.integrations import reading
from agents.stops import Stop, Stops
from infra.cli.by_hand import By, Why, ledger_of, named, record
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say, tables
from infra.settings import Settings, read_settings
from schemas.envelope import rfc3339
from schemas.errors import StoreError
from schemas.integrations import IntegrationStarted, IntegrationStopped

IntegrationName = Annotated[str, typer.Argument(metavar="ID", help="Which integration.")]


def register(app: typer.Typer) -> None:
    """Make the three commands part of `kolaj integrations`."""
    for command in (stop, start, stopped):
        app.command()(command)


def stop(integration_id: IntegrationName, *, by: By, why: Why, json: Annotated[bool, Json] = False) -> None:
    """Stop an integration: nothing is sent to it any more once this returns. Its commands wait, others go on.

    It waits for the calls that are under way, at most a lease. Questions about what was sent before go on.
    """
    settings = read_settings()
    standing, calls, untold = run(_stop(settings, integration_id, named(by, "--by"), named(why, "--why")))
    if json:
        emit({**_facts(standing), "fresh": standing.fresh, "calls_under_way": calls})
    else:
        word = "is stopped" if standing.fresh else f"was stopped already, by {standing.stopped_by}: {standing.why}"
        say(f"{integration_id} {word}; {calls} calls were under way and have ended; its commands wait")
    if untold is not None:
        raise StoreError(f"{integration_id} is stopped, but the audit log was not told: {untold}; run it again")


def start(integration_id: IntegrationName, *, by: By, json: Annotated[bool, Json] = False) -> None:
    """Let a stopped integration go on. What waited for it is taken up within seconds, in order."""
    lifted = run(_start(read_settings(), integration_id, named(by, "--by")))
    if json:
        emit(_facts(lifted))
    else:
        say(f"{integration_id} goes on; {lifted.stopped_by} had stopped it at {rfc3339(lifted.stopped_at)}")


def stopped(*, json: Annotated[bool, Json] = False) -> None:
    """Show which integrations are stopped, since when, by whom and why, and how many commands wait."""
    rows = run(_stopped(read_settings(kafka=False)))
    if json:
        emit(rows)
        return
    table = Table("integration", "stopped by", "why", "since", "waiting")
    for row in rows:
        words = (escape(row["integration_id"]), escape(row["stopped_by"]), escape(row["why"]))
        table.add_row(*words, rfc3339(row["stopped_at"]), str(row["waiting"]))
    tables().print(table)


async def _stop(settings: Settings, integration_id: str, by: str, why: str) -> tuple[Stop, int, StoreError | None]:
    async with ledger_of(settings) as pool:
        stops = Stops(pool)
        fixed = {item.id for item in settings.integrations}
        known = integration_id in fixed or await reading.integration(pool, integration_id) is not None
        if not known and not await stops.knows(integration_id):
            raise Failed(f"no integration is called {integration_id}: nothing was ever sent to it; check the name")
        standing = await stops.set(integration_id, by, why)
        untold = None
        try:
            await _tell_stop(settings, standing)
        except StoreError as failed:
            # An emergency brake does not depend on Kafka.
            untold = failed
        return standing, await stops.settled(integration_id), untold


async def _tell_stop(settings: Settings, stop: Stop) -> None:
    name = stop.integration_id
    act = IntegrationStopped(integration_id=name, stopped_by=stop.stopped_by, why=stop.why, stopped_at=stop.stopped_at)
    await record(settings, act, name, f"stopped/{name}/{rfc3339(stop.stopped_at)}")


async def _start(settings: Settings, integration_id: str, by: str) -> Stop:
    async with ledger_of(settings) as pool:
        stops = Stops(pool)
        found = [row for row in await stops.all() if row["integration_id"] == integration_id]
        if not found:
            raise Failed(f"{integration_id} is not stopped; `kolaj integrations stopped` shows which are")
        if not found[0]["by_hand"]:
            raise Failed(f"{integration_id} is not stopped by hand: it is paused or disabled; use `resume` or `enable`")
        facts = {name: value for name, value in found[0].items() if name not in {"waiting", "by_hand"}}
        standing = Stop(**facts)
        act = IntegrationStarted(
            integration_id=integration_id,
            started_by=by,
            stopped_by=standing.stopped_by,
            stopped_at=standing.stopped_at,
            started_at=datetime.now(UTC),
        )
        await record(settings, act, integration_id, f"started/{integration_id}/{rfc3339(standing.stopped_at)}")
        if not await stops.lift(standing):
            raise Failed(f"the stop of {integration_id} was changed by somebody else meanwhile; look with `stopped`")
        return standing


async def _stopped(settings: Settings) -> list[dict[str, Any]]:
    async with ledger_of(settings) as pool:
        return list(await Stops(pool).all())


def _facts(stop: Stop) -> dict[str, Any]:
    return {
        "integration_id": stop.integration_id,
        "stopped_by": stop.stopped_by,
        "why": stop.why,
        "stopped_at": rfc3339(stop.stopped_at),
    }
