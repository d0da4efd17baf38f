"""`kolaj projections status|rebuild`."""

from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, progress, run, say, tables
from infra.settings import Settings, read_settings
from projections import PROJECTIONS, Standing, open_pool, rebuild, report

app = typer.Typer(no_args_is_help=True, help="How far the tables are, and how to build them anew.")


@app.command()
def status(*, json: Annotated[bool, Json] = False) -> None:
    """Show how far each projection is behind the log."""
    standings = run(_report(read_settings()))
    if json:
        emit([_row(standing) for standing in standings])
        return
    table = Table("projection", "topic", "partition", "next offset", "end", "lag")
    for standing in standings:
        style = "yellow" if standing.lag else None
        table.add_row(*(str(value) for value in _row(standing).values()), style=style)
    tables().print(table)


@app.command(name="rebuild")
def rebuild_command(
    name: Annotated[str, typer.Argument(help="Which projection, as `status` shows it.")],
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Fold a projection anew from the beginning of the log, beside the live tables, and swap it in when it is level.

    Readers never see it half full, and the projectors may go on meanwhile.
    """
    if name not in {projection.name for projection in PROJECTIONS}:
        raise Failed(f"no projection is called {name}; there are {', '.join(p.name for p in PROJECTIONS)}")
    read = run(_rebuild(read_settings(), name))
    if json:
        emit({"projection": name, "records": read})
    else:
        say(f"{name}: rebuilt from {read} records")


async def _report(settings: Settings) -> list[Standing]:
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    try:
        return await report(settings.kafka, pool, settings.topics)
    finally:
        await pool.close()


async def _rebuild(settings: Settings, name: str) -> int:
    pool = await open_pool(settings.database_url.get_secret_value(), size=2)
    try:
        with progress("records") as bar:
            task = bar.add_task(f"folding {name}", total=None)

            def on_progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            return (await rebuild(settings.kafka, pool, settings.topics, name, progress=on_progress)).records
    finally:
        await pool.close()


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "projection": standing.projection,
        "topic": standing.topic,
        "partition": standing.partition,
        "next_offset": standing.next_offset,
        "end_offset": standing.end_offset,
        "lag": standing.lag,
    }
