"""`kolaj doctor`."""

from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from infra.checks import Finding, examine
from infra.cli.failing import ExitCode, exit_code
from infra.cli.output import Json, emit, run, say, tables
from infra.settings import Settings, read_settings

app = typer.Typer()

_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@app.command()
def doctor(*, json: Annotated[bool, Json] = False) -> None:
    """Check settings, broker, topics, database, clocks, integrations and secrets, one by one.

    The exit code is that of the first check that failed.
    """
    findings = [Finding("settings", "ok", "read"), *run(_examine(read_settings()))]
    if json:
        emit({"checks": [{"check": it.check, "state": it.state, "detail": it.detail} for it in findings]})
    else:
        table = Table("check", "state", "detail")
        for it in findings:
            table.add_row(it.check, f"[{_STYLES[it.state]}]{it.state}[/]", escape(it.detail))
        tables().print(table)
    failed = [it.error for it in findings if it.error is not None]
    if failed:
        say(f"{len(failed)} of {len(findings)} checks failed")
        raise typer.Exit(exit_code(failed[0]))
    raise typer.Exit(ExitCode.OK)


async def _examine(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine(settings)]
