"""`kolaj integrations`: here `read` and `limits`; the other commands stand in files beside this one."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from infra.caller_settings import caller_settings, shared_store
from infra.cli import integration_changes, integration_list, integration_probe, integration_routes, integration_stops
from infra.cli.failing import Failed
from infra.cli.known_integrations import known_integration
from infra.cli.output import Json, emit, run, say, tables
from infra.settings import Settings, read_settings
from projections import open_pool
from projections.statements import statement
from providers.caller import Caller
from providers.connector import Integration, Read
from providers.outcome import Refusal
from schemas.base import Frozen
from schemas.money import Money

app = typer.Typer(
    no_args_is_help=True, help="Accounts at providers: add, change, pause, test, stop, ask, and route to them."
)
for part in (
    integration_list,
    integration_changes,
    integration_probe,
    integration_routes,
    integration_stops,
):
    part.register(app)


@app.command()
def read(
    integration_id: Annotated[str, typer.Argument(metavar="ID", help="Which integration.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to read, such as `bin` or `instalments`.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=]VALUE...",
            help="The question: `bin 454671`, or `instalments price=100.00TRY bin_number=454671`.",
        ),
    ] = None,
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Ask a provider a question that moves nothing. With REDIS_URL, an answer that the workers keep is taken."""
    settings = read_settings(kafka=False, database=False)
    integration = run(known_integration(settings, integration_id))
    if integration.lacks is not None:
        raise Failed(integration.lacks)
    known = integration.connector.read_named(name)
    if known is None:
        names = ", ".join(it.name for it in integration.connector.reads)
        raise Failed(f"{integration.connector.name} has no read {name}; there are {names or 'none'}")
    answer = run(_read(settings, integration, known, _question(known, values or ())))
    if isinstance(answer, Refusal):
        raise Failed(f"{integration.connector.name} refused ({answer.reason}): {answer.detail}")
    if json:
        emit(answer.model_dump(mode="json"))
        return
    _show(answer)


@app.command()
def limits(*, json: Annotated[bool, Json] = False) -> None:
    """Show how far each integration's rate limits are used, over all workers."""
    rows = run(_limits(read_settings(kafka=False)))
    if json:
        emit(rows)
        return
    if not rows:
        say("no worker has reported a rate limit yet")
    names = ("integration", "operation", "provider", "limit", "per s", "used", "resets at", "closed until")
    table = Table(*names, "throttled", "turned away")
    for row in rows:
        style = "yellow" if row["closed_until"] else None
        table.add_row(*("" if value is None else str(value) for value in row.values()), style=style)
    tables().print(table)


def _question(read: Read[Any, Any, Any], values: Sequence[str]) -> Frozen:
    """The question from its parts; a bare value is for the first field that has none."""
    fields, given = read.question.model_fields, {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            name, value = next((field for field in fields if field not in given), ""), text
        if name not in fields:
            raise typer.BadParameter(f"{read.name} has no field {name or 'left'}; there are {', '.join(fields)}")
        kind = fields[name].annotation
        given[name] = _money(kind, value) if isinstance(kind, type) and issubclass(kind, Money) else value
    try:
        question: Frozen = read.question.model_validate(given)
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise typer.BadParameter(f"{where}: {first['msg']}; give {', '.join(f'{name}=…' for name in fields)}") from None
    return question


def _money(kind: type[Money], text: str) -> Money:
    amount, currency = text[:-3].strip(), text[-3:]
    try:
        return kind.parse(amount, currency)
    except ValueError as bad:
        raise typer.BadParameter(f"{bad}; write an amount like 100.00TRY") from None


async def _read(
    settings: Settings, integration: Integration, read: Read[Any, Any, Any], question: Frozen
) -> Frozen | Refusal:
    async with (
        shared_store(settings) as store,
        Caller(
            on_exchange=lambda _: None, on_breaker=lambda _: None, settings=caller_settings(settings), store=store
        ) as caller,
    ):
        return await caller.read(integration, read.name, question)


async def _limits(settings: Settings) -> list[dict[str, Any]]:
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    try:
        return [dict(row) for row in await pool.fetch(statement("rate_limits/show"))]
    finally:
        await pool.close()


def _show(answer: Frozen) -> None:
    """Fields of one value as lines, lists of values as a table each."""
    facts = Table("field", "value", show_header=False)
    for name in type(answer).model_fields:
        value = getattr(answer, name)
        if not isinstance(value, tuple):
            facts.add_row(name, "" if value is None else str(value))
    tables().print(facts)
    for plan in getattr(answer, "plans", ()):
        title = " ".join(word for word in (plan.association, plan.family, plan.bank, plan.card_type) if word)
        offers = Table("instalments", "each", "in all", title=title)
        for offer in plan.offers:
            offers.add_row(str(offer.number), str(offer.each), str(offer.total))
        tables().print(offers)
