"""`kolaj privacy export | erase`: what is held of a person, and an end to it."""

import json as json_text
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer

from agents.sealing import Seal
from agents.vault.erasures import erase_again, erasure
from agents.vault.subjects import Subjects, erase_subjects
from infra.cli.by_hand import By, Why, ledger_of, named, vault_of
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.credential_store import key_ring
from infra.privacy.holdings import lasting, passing
from infra.privacy.person import ERASED, LOST, Person, find_person
from infra.settings import Settings, read_settings
from schemas.envelope import rfc3339
from streams.publisher import Publisher

app = typer.Typer(no_args_is_help=True, help="Show what is held of a person, and erase it.")

SubjectId = Annotated[UUID | None, typer.Argument(metavar="[SUBJECT]", help="The data subject, as results name it.")]
Source = Annotated[str | None, typer.Option("--source", help="Instead: the publisher of its commands (ce_source).")]
BuyerId = Annotated[str | None, typer.Option("--buyer-id", help="And the buyer_id that the publisher gave.")]


@dataclass(frozen=True)
class _Asked:
    subject: UUID | None
    source: str | None
    buyer_id: str | None


@dataclass(frozen=True)
class _Desk:
    settings: Settings
    pool: asyncpg.Pool
    vault: asyncpg.Pool
    subjects: Subjects
    seal: Seal


@app.command()
def export(subject: SubjectId = None, *, source: Source = None, buyer_id: BuyerId = None) -> None:
    """Print all that is held of a person as one JSON document: for ever, sealed; for days, in the clear."""
    emit(run(_export(read_settings(), _asked(subject, source, buyer_id))))


@app.command()
def erase(
    subject: SubjectId = None,
    *,
    source: Source = None,
    buyer_id: BuyerId = None,
    by: By,
    why: Why,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Destroy a person's key: nobody can read its fields any more, in any copy. This cannot be undone.

    Name nobody in --why: it is kept for ever. A person who pays again afterwards is a new data subject.
    """
    asked = _asked(subject, source, buyer_id)
    said = named(by, "--by"), named(why, "--why")
    if not yes:
        typer.confirm("Destroy this person's key? Nobody can read its fields after that", abort=True, err=True)
    told = run(_erase(read_settings(), asked, *said))
    if json:
        emit(told)
        return
    left = told["in_the_clear"]
    say(f"{told['subject']} {'is erased' if told['fresh'] else 'had been erased already'}")
    say(
        f"{left['records']} records name it in the clear for now, the last until {left['until']}"
        if left["records"]
        else "nothing names it in the clear"
    )


def _asked(subject: UUID | None, source: str | None, buyer_id: str | None) -> _Asked:
    if (source is None) != (buyer_id is None):
        raise typer.BadParameter("--source and --buyer-id belong together; give both")
    if (subject is None) == (source is None):
        raise typer.BadParameter("give either SUBJECT, or --source and --buyer-id")
    return _Asked(subject, source, buyer_id)


@asynccontextmanager
async def _desk(settings: Settings) -> AsyncIterator[_Desk]:
    ring = key_ring(settings)
    async with ledger_of(settings) as pool, vault_of(settings) as vault:
        await erase_again(settings.kafka, settings.topics, vault)
        yield _Desk(settings, pool, vault, Subjects(vault, ring), Seal(ring))


async def _export(settings: Settings, asked: _Asked) -> dict[str, Any]:
    async with _desk(settings) as desk:
        person = await find_person(desk.pool, desk.subjects, asked.subject, asked.source, asked.buyer_id)
        topics = settings.topics
        return {
            "subject": None if person.subject is None else str(person.subject),
            "state": _state(person),
            "source": person.source,
            "buyer_id": person.buyer_id,
            "since": None if person.known is None else rfc3339(person.known.created_at),
            "erased_at": _erased_at(person),
            "events": await lasting(settings.kafka, topics, person),
            "rows": [_opened_row(row, person) for row in person.rows],
            "in_the_clear": await passing(settings.kafka, topics, desk.pool, desk.seal, person),
        }


async def _erase(settings: Settings, asked: _Asked, by: str, why: str) -> dict[str, Any]:
    async with _desk(settings) as desk:
        person = await find_person(desk.pool, desk.subjects, asked.subject, asked.source, asked.buyer_id)
        if person.subject is None or person.known is None:
            raise Failed("no such data subject: nothing is sealed for it, or it was erased before")
        fresh = person.known.key is not None
        if fresh:
            # First into the log: if we are cut off now, the next worker to start destroys the key.
            record = erasure(settings.topics, person.subject, by=by, why=why, at=datetime.now(UTC))
            async with Publisher(settings.kafka, client_id="kolaj-privacy") as publisher:
                await publisher.publish([record])
            await erase_subjects(desk.vault, [person.subject])
        left = await passing(settings.kafka, settings.topics, desk.pool, desk.seal, person)
        until = max((item["kept_until"] for item in left), default=None)
        return {
            "subject": str(person.subject),
            "fresh": fresh,
            "in_the_clear": {"records": len(left), "until": until},
        }


def _state(person: Person) -> str:
    if person.subject is None:
        return "unknown"
    if person.known is None:
        return LOST
    return ERASED if person.known.key is None else "sealed"


def _erased_at(person: Person) -> str | None:
    if person.known is None or person.known.erased_at is None:
        return None
    return rfc3339(person.known.erased_at)


def _opened_row(row: dict[str, Any], person: Person) -> dict[str, Any]:
    payer = {"subject": row["subject_id"], "sealed": row["payer"]}
    response = row["gateway_response"]
    facts = json_text.loads(response) if isinstance(response, str) else response
    return {**row, "gateway_response": facts, "payer": person.opened(payer, UUID(row["payment_id"]))}
