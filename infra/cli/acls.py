"""`kolaj acls`."""

from dataclasses import asdict
from typing import Annotated

import typer

from infra.cli.output import Json, emit, say
from infra.deploy.acls import command_line, default_principals, roles, rules

app = typer.Typer()


@app.command()
def acls(
    *,
    prefix: Annotated[str, typer.Option(help="How the topics begin (KOLAJ_TOPIC_PREFIX).")] = "kolaj",
    principal: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=User:NAME", help="Whom a role is given to; may be repeated. Without: all roles."),
    ] = None,
    bootstrap: Annotated[str, typer.Option(help="What the lines call the broker.")] = "localhost:9092",
    remove: Annotated[bool, typer.Option("--remove", help="Write the lines that take the rights back.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Write the lines of kafka-acls.sh that give each process the rights it needs, and no more. Changes nothing."""
    wanted: dict[str, list[str]] = {}
    for given in principal or [f"{role}={name}" for role, name in default_principals(prefix).items()]:
        role, equals, name = given.partition("=")
        if not equals:
            raise typer.BadParameter(f"{given} is not like worker=User:name; roles are {', '.join(roles())}")
        wanted.setdefault(role, []).append(name)
    found = rules(prefix, wanted)
    if json:
        emit({"roles": {role: roles()[role] for role in wanted}, "allow": [asdict(rule) for rule in found]})
        return
    for rule in found:
        print(command_line(rule, bootstrap, remove=remove))
    say(f"{len(found)} lines; admin.properties lets the administrator in, see infra/deploy/README.md")
