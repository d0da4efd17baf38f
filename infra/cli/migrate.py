"""`kolaj migrate`."""

from typing import Annotated

import typer

from infra.cli.output import Json, emit, run, say
from infra.migrate import hand_over, pending
from infra.migrate import migrate as bring_up_to_date
from infra.settings import read_settings

app = typer.Typer()


@app.command()
def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only list what is pending; exit code 1 when anything is.")
    ] = False,
    roles: Annotated[
        bool,
        typer.Option(
            "--roles",
            help="As the database's administrator: make the hub's roles, and hand the tables over to kolaj_migrator.",
        ),
    ] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Bring the database to the schema that this version needs.

    Workers and projectors do so at their start too, where their account may; else they only look whether it was done.
    """
    if check and roles:
        raise typer.BadParameter("--check changes nothing, and --roles does; ask for one of them")
    url = read_settings(kafka=False).database_url.get_secret_value()
    found = run(pending(url))
    if not check:
        run(hand_over(url) if roles else bring_up_to_date(url))
    if json:
        emit({"pending" if check else "done": found})
    else:
        say("\n".join(found) if found else "nothing is pending")
    if check and found:
        raise typer.Exit(1)
