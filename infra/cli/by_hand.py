"""What commands share with which people intervene: the ledger's database, and the events that say who did what."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID, uuid5

import asyncpg
import typer
from pydantic import SecretStr

from agents.pool import FAILURES, open_pool
from infra.settings import Settings
from schemas.card_numbers import holds_card_number
from schemas.envelope import Envelope
from schemas.errors import StoreError
from schemas.integrations import Intervention
from streams.codec import Outgoing, encode
from streams.publisher import Publisher

SOURCE: Final = "/kolaj/hub/operators"

By = Annotated[str, typer.Option("--by", help="Your name; it is kept for ever.")]
Why = Annotated[str, typer.Option("--why", help="What for; it is kept for ever.")]

_ACTS: Final = UUID("3f6a8f0e-52b7-5c1f-8f62-9a1d3a7c4e21")


def ledger_of(settings: Settings) -> AbstractAsyncContextManager[asyncpg.Pool]:
    """Connections to the ledger, for the length of a block.

    Raises:
        StoreError: PostgreSQL cannot be reached, or fails inside the block.
        SettingsError: see `open_pool`.
    """
    return _opened(settings.database_url, "DATABASE_URL", "the ledger")


def vault_of(settings: Settings) -> AbstractAsyncContextManager[asyncpg.Pool]:
    """Connections to the schema `vault`, under the account that sees it.

    Raises:
        StoreError, SettingsError: as `ledger_of`.
    """
    return _opened(settings.vault_url, "VAULT_DATABASE_URL", "the vault")


@asynccontextmanager
async def _opened(address: SecretStr, setting: str, what: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(address.get_secret_value(), size=2, application_name="kolaj-cli", setting=setting)
    try:
        yield pool
    except FAILURES as failed:
        raise StoreError(f"{what} failed: {type(failed).__name__}: {failed}; try again") from failed
    finally:
        await pool.close()


async def record(settings: Settings, act: Intervention, key: str, what: str) -> None:
    """Append what somebody did to the events of integrations, where it becomes a row of the audit log.

    `what` names the act: told again, after a failure, it has the same id.

    Raises:
        StoreError: Kafka did not take it.
    """
    async with Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
        await publisher.publish([event_of(settings, act, key, what)])


def event_of(settings: Settings, act: Intervention, key: str, what: str) -> Outgoing:
    envelope = Envelope(id=uuid5(_ACTS, what), type=act.type, source=SOURCE, subject=key, time=datetime.now(UTC))
    return encode(settings.topics.integration_events.name, key, envelope, act)


def named(text: str, option: str) -> str:
    """A word of a person that has to say something.

    Raises:
        typer.BadParameter: it is empty or longer than 1,000 characters, or a card number stands in it.
    """
    said = " ".join(text.split())
    if not said or len(said) > 1000:  # noqa: PLR2004 - what the events' fields take
        raise typer.BadParameter("must be 1 to 1,000 characters", param_hint=option)
    if holds_card_number(said):
        raise typer.BadParameter("holds a card number, and is kept for ever: leave it out", param_hint=option)
    return said
