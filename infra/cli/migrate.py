"""`kolaj migrate`."""

from typing import Annotated

import typer

from infra.cli.output import Json, emit, run, say
from infra.migrate import migrate as bring_up_to_date
from infra.migrate import pending
from infra.settings import read_settings

app = typer.Typer()


@app.command()
def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only list what is pending; exit code 1 when anything is.")
    ] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Bring the database to the schema that this version needs. Workers and projectors do so at their start, too."""
    url = read_settings(kafka=False).database_url.get_secret_value()
    found = run(pending(url))
    if not check:
        run(bring_up_to_date(url))
    if json:
        emit({"pending" if check else "done": found})
    else:
        say("\n".join(found) if found else "nothing is pending")
    if check and found:
        raise typer.Exit(1)
