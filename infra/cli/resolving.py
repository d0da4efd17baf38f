"""`kolaj commands resolve`: a person's word on an outcome that stayed unknown, as a command of its own."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from pydantic import ValidationError

from agents.payments.ledger_keys import id_in, is_of_resource
from agents.sql import statement
from infra.cli.by_hand import SOURCE, By, ledger_of, named
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.settings import Settings, read_settings
from schemas.envelope import Envelope
from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import (
    PAYMENT_EVENTS,
    CommandPending,
    CommandRefused,
    OutcomeResolved,
    Payment,
    ResolutionProposal,
    ResolveOutcome,
    Result,
)
from schemas.payments.results import CommandResult
from streams.codec import decode, encode
from streams.publisher import Publisher
from streams.reader import ResultReader

_MODELS: Final = {model.type: model for model in PAYMENT_EVENTS}


class Capture(StrEnum):
    AUTO = "auto"
    MANUAL = "manual"


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"


def resolve(
    command: Annotated[UUID, typer.Argument(metavar="COMMAND_ID", help="The command that ended as unknown.")],
    *,
    outcome: Annotated[Outcome, typer.Option("--as", help="Whether the provider performed it.")],
    by: By,
    evidence: Annotated[str, typer.Option(help="Where you saw it; it is kept for ever, so name no person or card.")],
    reference: Annotated[str | None, typer.Option(help="The provider's own id of the payment.")] = None,
    amount: Annotated[str | None, typer.Option(help="Its amount, such as 12.50, to be sure it is the one.")] = None,
    capture: Annotated[
        Capture | None, typer.Option(help="Taken or held: of a payment whose command is lost, after a disaster.")
    ] = None,
    approves: Annotated[bool, typer.Option("--approves", help="You agree to what another person proposed.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="Seconds to wait for the result.")] = 60,
    json: Annotated[bool, Json] = False,
) -> None:
    """Settle a command whose outcome stayed unknown. Nothing is sent to the provider.

    It is published as a command and goes its payment's own way. Above KOLAJ_RESOLVE_ALONE_MINOR the first word is a
    proposal; the same word from another person with --approves settles it.
    """
    settings = read_settings()
    word = {
        "of_command_id": command,
        "verdict": outcome.value,
        "by": named(by, "--by"),
        "evidence": named(evidence, "--evidence"),
        "provider_reference": reference,
        "capture": None if capture is None else capture.value,
        "approves": approves,
    }
    result = run(_resolve(settings, command, word, amount, timeout_s))
    if json:
        emit({"type": result.type, **result.model_dump(mode="json", exclude_none=True)})
    match result:
        case CommandRefused():
            raise Failed(f"{result.reason}: {result.detail}")
        case CommandPending(proposal=ResolutionProposal() as said):
            say(f"{said.by} proposes {said.verdict}; another person has to run the same with --approves")
        case OutcomeResolved():
            moved = "" if result.effect is None else f": {result.effect} {result.amount}"
            say(f"{command} is settled as {result.outcome}{moved}")
        case _:
            raise AssertionError(f"a word on an outcome does not end as {result.type}")


async def _resolve(
    settings: Settings,
    of_command_id: UUID,
    word: Mapping[str, Any],
    amount: str | None,
    timeout_s: float,
) -> Result:
    payment = await _payment(settings, of_command_id)
    price = None if amount is None else _price(amount, payment, of_command_id)
    body = _order(payment_id=payment.payment_id, amount=price, **word)
    envelope = Envelope(id=new_id(), type=body.type, source=SOURCE, subject=body.key, time=datetime.now(UTC))
    events = settings.topics.payment_events.name
    # The reader stands at the end before the command is there, so that its result is not missed.
    async with ResultReader(settings.kafka, events, start="latest") as results:
        async with Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
            await publisher.publish([encode(settings.topics.payment_commands.name, body.key, envelope, body)])
        try:
            async with asyncio.timeout(timeout_s):
                return await _result(results, envelope.id)
        except TimeoutError:
            raise Failed(
                f"published as command {envelope.id}, and no result came within {timeout_s:g} s; see whether a worker "
                f"runs, and wait with `kolaj results --command {envelope.id} --follow`"
            ) from None


async def _result(results: ResultReader, command_id: UUID) -> Result:
    async for record in results:
        if record.header("ce_type") in _TYPES:
            body = decode(_MODELS, record.key, record.value, record.readable_headers).body
            if isinstance(body, CommandResult) and body.command_id == command_id:
                return body
    raise AssertionError("a reader reads until it is cancelled")


_TYPES: Final = {model.type.encode() for model in (OutcomeResolved, CommandPending, CommandRefused)}


async def _payment(settings: Settings, command: UUID) -> Payment:
    async with ledger_of(settings) as pool:
        row = await pool.fetchrow(statement("key_of"), command)
    if row is None:
        raise Failed(f"the ledger does not know command {command}: no worker has read it yet, or its id is wrong")
    if is_of_resource(row["key"]):
        raise Failed(f"command {command} is about a resource: a query of it settles that, not a person's word")
    if row["state"] is None:
        return Payment(payment_id=id_in(row["key"]))
    return Payment.model_validate_json(row["state"])


def _price(text: str, payment: Payment, command: UUID) -> Price:
    known = payment.open_command(command)
    currency = payment.currency if known is None or known.amount is None else known.amount.currency
    if text[-3:].isalpha():
        text, currency = text[:-3].strip(), text[-3:]
    if currency is None:
        raise typer.BadParameter("the hub does not know the currency; write it like 12.50TRY", param_hint="--amount")
    try:
        return Price.parse(text, currency)
    except ValueError as bad:
        raise typer.BadParameter(
            f"{text} is no amount in {currency}; write it like 12.50", param_hint="--amount"
        ) from bad


def _order(**facts: Any) -> ResolveOutcome:
    try:
        return ResolveOutcome(**facts)
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
