"""`kolaj ledger show|rebuild|prune|republish`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer
from rich.table import Table

from agents.pool import open_pool
from agents.prune import Pruned, cut, prune
from agents.rebuild import Hub, Rebuilt, rebuild
from agents.republish import Republished, republish
from agents.sql import statement
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, progress, run, say, tables
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from streams.publisher import Publisher

app = typer.Typer(no_args_is_help=True, help="Look into the ledger, and mend it.")


@app.command()
def show(
    command: Annotated[UUID, typer.Argument(help="The command's id, its record's ce_id.")],
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show where a command stands: claimed, sending or concluded, who holds its key, and what was sent for it."""
    found = run(_look(read_settings(kafka=False), command))
    if found is None:
        raise Failed(f"the ledger has never claimed command {command}")
    if json:
        emit(found)
        return
    table = Table("field", "value", show_header=False)
    for name, value in found.items():
        table.add_row(name, "" if value is None else str(value))
    tables().print(table)


@app.command(name="rebuild")
def rebuild_command(*, json: Annotated[bool, Json] = False) -> None:
    """Make the ledger anew from the log, after PostgreSQL was lost or restored to an older moment. Stop workers first.

    Tables are made when they are missing. What it finds: commands with a result are concluded with it; those with an
    intent alone may have been sent, and the provider is asked first. Run it again if it is interrupted.
    """
    done = run(_rebuild(read_settings()))
    if json:
        emit(asdict(done))
        return
    say(
        f"{done.commands} commands of {done.keys} payments: {done.concluded} concluded, {done.maybe_sent} that may "
        "have been sent and are asked about first"
    )
    if done.abandoned:
        say(f"{len(done.abandoned)} whose record is gone were given up as unknown: {_some(done.abandoned)}")
    for partition, (was, now) in sorted(done.moved.items()):
        say(f"partition {partition} of the commands is read again from offset {now} (it stood at {was})")


@app.command(name="prune")
def prune_command(
    keep_days: Annotated[int, typer.Option("--keep-days", min=1, help="Days to keep; cut at the month's beginning.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Delete concluded commands whose id is an old UUIDv7. From then on ids from before the cut are refused."""
    done = run(_prune(read_settings(kafka=False), keep_days, dry_run=dry_run))
    if json:
        emit({"dry_run": dry_run, **asdict(done)})
        return
    what = "would be" if dry_run else "were"
    say(
        f"{done.commands} commands from before {done.before:%Y-%m-%d} {what} deleted, with {done.attempts} attempts"
        + ("" if dry_run else f" and {done.keys} payments that came to nothing")
    )


@app.command(name="republish")
def republish_command(*, json: Annotated[bool, Json] = False) -> None:
    """Write the results and intents that the ledger holds into the log, after Kafka was lost. Stop workers first."""
    done = run(_republish(read_settings()))
    if json:
        emit(asdict(done))
        return
    say(f"{done.results} results and {done.intents} intents were appended")
    if done.open:
        say(f"{len(done.open)} commands were begun and have no result; publish them again: {_some(done.open)}")


async def _look(settings: Settings, command: UUID) -> dict[str, Any] | None:
    async with _pool(settings) as pool:
        row = await pool.fetchrow(statement("look"), command)
    return None if row is None else dict(row)


async def _rebuild(settings: Settings) -> Rebuilt:
    await prepare_stores(settings)
    hub = Hub(
        settings.kafka,
        settings.topics,
        worker_groups(settings)[0],
        worker_groups(settings),
        {item.id: item.provider for item in settings.integrations},
        lambda: datetime.now(UTC),
    )
    async with _pool(settings) as pool, Publisher(settings.kafka) as publisher:
        with progress("") as bar:
            task = bar.add_task("rebuilding the ledger", total=None)

            def on_progress(what: str, count: int) -> None:
                bar.update(task, description=what, completed=count)

            return await rebuild(hub, pool, publisher, on_progress)


async def _prune(settings: Settings, keep_days: int, *, dry_run: bool) -> Pruned:
    now = datetime.now(UTC)
    retention = timedelta(milliseconds=settings.topics.payment_commands.retention_ms)
    async with _pool(settings) as pool:
        with progress("commands") as bar:
            task = bar.add_task("pruning", total=None)
            return await prune(
                pool,
                cut(now, keep_days),
                now=now,
                may_come_again_for=retention + timedelta(seconds=settings.give_up_after_s),
                dry_run=dry_run,
                progress=lambda count: bar.update(task, completed=count),
            )


async def _republish(settings: Settings) -> Republished:
    await prepare_stores(settings)
    async with _pool(settings) as pool, Publisher(settings.kafka) as publisher:
        return await republish(settings.kafka, settings.topics, worker_groups(settings), pool, publisher)


def worker_groups(settings: Settings) -> tuple[str, ...]:
    """The consumer groups that workers are in, that of the command topic first."""
    return f"{settings.topic_prefix}.payments", f"{settings.topic_prefix}.payments.waking"


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncGenerator[asyncpg.Pool, None]:
    pool = await open_pool(settings.database_url.get_secret_value(), size=2, application_name="kolaj-cli")
    try:
        yield pool
    finally:
        await pool.close()


def _some(commands: tuple[UUID, ...], most: int = 20) -> str:
    return ", ".join(map(str, commands[:most])) + (", …" if len(commands) > most else "")
