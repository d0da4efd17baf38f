"""`kolaj audit verify`."""

from typing import Annotated

import typer

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.settings import Settings, read_settings
from projections import open_pool
from projections.audit import AuditReport
from projections.audit import verify as verify_chain

app = typer.Typer(no_args_is_help=True, help="Check the audit chain against the log.")


@app.callback()
def audit() -> None:
    """Keeps `verify` a command of its own."""


@app.command()
def verify(*, json: Annotated[bool, Json] = False) -> None:
    """Recompute the chain from Kafka and compare it with the table and with the anchored heads."""
    report = run(_verify(read_settings()))
    if json:
        counts = {"rows": report.rows, "linked": report.linked, "elsewhere": report.elsewhere}
        emit({**counts, "anchors": report.anchors, "difference": _said(report)})
    else:
        say(f"{report.rows} rows and {report.anchors} anchors compared")
        if report.linked:
            say(f"{report.linked} rows are of records that were deleted: only their order could be compared")
        if report.elsewhere:
            say(f"{report.elsewhere} rows are of topics under another prefix and were not compared")
    if report.difference is not None:
        raise Failed(f"the audit log differs from Kafka, first at {report.difference}")


async def _verify(settings: Settings) -> AuditReport:
    pool = await open_pool(settings.database_url.get_secret_value(), size=2)
    try:
        return await verify_chain(settings.kafka, pool, settings.topics)
    finally:
        await pool.close()


def _said(report: AuditReport) -> str | None:
    return None if report.difference is None else str(report.difference)
