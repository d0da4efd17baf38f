"""`kolaj demo`."""

import logging

import typer

from infra.cli.output import emit, run, say, tables
from infra.demo.report import print_report
from infra.demo.run import run_demo

app = typer.Typer()


@app.command()
def demo() -> None:
    """Play a shop's day through the hub, kill a worker half-way, and balance the books.

    The last line is one JSON object. Exit code 0 only if every command has its result, nothing is lost, nothing is
    charged twice, and the provider's books, the events and the tables agree.
    """
    logging.disable(logging.ERROR)  # the processes write their own logs; here only the report is wanted
    outcome = run(run_demo(say))
    print_report(tables(), outcome)
    emit(outcome.line())
    if not outcome.balanced:
        raise typer.Exit(1)
