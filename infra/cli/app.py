"""The command line: which commands there are, and what its exit codes mean. A command's module is loaded to run it."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from infra.cli.failing import report, root_error

COMMANDS: Final = {
    "up": "Run everything on this machine: broker, database, sandbox, worker, projector.",
    "demo": "Play a shop's day through the hub, kill a worker, and balance the books.",
    "worker": "Perform commands at the providers.",
    "projector": "Keep the tables up with the events.",
    "gateway": "Take commands and webhooks over HTTP, and tell results.",
    "sender": "Send events to the endpoints of services that asked for them.",
    "publish": "Publish commands from a file of JSON lines.",
    "results": "Show the results of commands.",
    "resources": "Cards, subscriptions, sub-merchants and links, as the tables tell of them.",
    "disputes": "Payments that payers dispute, and until when an answer counts.",
    "commands": "Where commands stand; withdraw one, or settle one whose outcome is unknown.",
    "replay": "Write what lies in a topic as JSON lines.",
    "dead-letters": "List, show and requeue records that could not be read or sent.",
    "webhooks": "Providers' calls to the hub, and what became of them.",
    "projections": "How far the tables are, and how to build them anew.",
    "integrations": "Add, change, pause and test accounts at providers; stop them, ask them, route to them.",
    "providers": "What the connectors can do, and what an account at each needs.",
    "credentials": "Store, rotate and revoke accounts' secrets; bring everything under a new master key.",
    "api-keys": "Give callers of the HTTP edge their keys; rotate and revoke them.",
    "audit": "Check the audit chain against the log.",
    "privacy": "Show what is held of a person, and erase it.",
    "ledger": "Look into the ledger.",
    "topics": "Create the topics, and mark them as one environment's.",
    "acls": "Write the lines that give each process its rights at Kafka.",
    "migrate": "Bring the database to the schema that this version needs.",
    "contracts": "Write the contract with other services.",
    "doctor": "Check settings, broker, database and secrets one by one.",
    "chaos": "Break the hub on purpose, and count afterwards.",
    "bench": "Measure the hub against a bare loop, and draw it.",
    "sandbox": "Serve a provider's API with books of its own.",
}
"""Name and short help; the module is `infra.cli.<name>` with `-` as `_`, and offers `app`."""

EPILOG: Final = (
    "Exit codes: 0 all well; 1 something was found or failed, the message says what; 2 the command line is wrong; "
    "3 Kafka or PostgreSQL cannot be reached; 4 a setting is missing or wrong."
)


class LazyGroup(TyperGroup):
    """Names every command and loads the one that runs: help must not wait for what it does not need."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, about in COMMANDS.items():
            if importlib.util.find_spec(_module(name)) is not None:
                self.add_command(TyperCommand(name, help=about))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        loaded = typer.main.get_command(importlib.import_module(_module(name)).app)
        loaded.name = name
        return name, loaded, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kolaj {version('kolaj-hub')}")
        raise typer.Exit


@app.callback()
def hub(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Kolaj Hub: payment commands in, provider calls made once, results and tables out."""
    del show_version  # its callback has ended the process by now


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="kolaj")
    except Exception as error:
        known = root_error(error)
        if known is None:
            raise
        sys.exit(report(known))
    except KeyboardInterrupt:
        sys.exit(130)


def _module(name: str) -> str:
    return f"infra.cli.{name.replace('-', '_')}"
