"""The demo's report for people."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from infra.demo.run import Outcome
from schemas.money import Money
from schemas.payments import CommandRefused, Found, PaymentCaptured, PaymentCreated, PaymentRefunded


def print_report(console: Console, outcome: Outcome) -> None:
    """Results by type, refusals by reason, money by currency, and what does not balance."""
    console.print(_results(outcome))
    console.print(_refusals(outcome))
    console.print(_money(outcome))
    for problem in outcome.balance.problems:
        console.print(f"[bold red]does not balance:[/] {problem}")
    if outcome.balanced:
        console.print("[bold green]The provider's books, the result events and the tables agree.[/]")


def _results(outcome: Outcome) -> Table:
    table = Table(title="Events of the day", title_justify="left")
    table.add_column("type")
    table.add_column("count", justify="right")
    for kind, count in sorted(Counter(event.type for event in outcome.events).items()):
        table.add_row(kind, str(count))
    return table


def _refusals(outcome: Outcome) -> Table:
    table = Table(title="Refused, and why", title_justify="left")
    for column in ("reason", "provider's code", "who has to act"):
        table.add_column(column)
    table.add_column("count", justify="right")
    refused = [event for event in outcome.events if isinstance(event, CommandRefused)]
    reasons = Counter((event.reason.value, event.provider_code or "", event.failure.value) for event in refused)
    for (reason, code, failure), count in sorted(reasons.items()):
        table.add_row(reason, code, failure, str(count))
    return table


def _money(outcome: Outcome) -> Table:
    table = Table(title="Money by currency, in major units", title_justify="left")
    table.add_column("currency")
    for column in ("taken at once", "captured later", "given back"):
        table.add_column(column, justify="right")
    sums: dict[str, Counter[str]] = {}
    for event in outcome.events:
        match event:
            case PaymentCreated(state="captured"):
                money, column = event.paid_price, "taken"
            case Found(changed="captured", amount=Money() as found):
                money, column = found, "taken"
            case PaymentCaptured():
                money, column = event.amount, "captured"
            case PaymentRefunded():
                money, column = event.amount, "refunded"
            case _:
                continue
        sums.setdefault(money.currency, Counter())[column] += money.minor
    for currency, row in sorted(sums.items()):
        table.add_row(currency, *(_major(currency, row[column]) for column in ("taken", "captured", "refunded")))
    return table


def _major(currency: str, minor: int) -> str:
    return f"{Money(minor=minor, currency=currency).major:,f}"
