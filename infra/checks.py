"""What `kolaj doctor` looks at, each check on its own: what is well, what is not, and what to do."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import asyncpg

from agents.integrations.directory import Directory
from agents.pool import open_pool
from agents.sealing import Seal
from agents.vault.credentials import CredentialCache
from agents.vault.master_keys import MasterKeys
from agents.vault.parked import ParkedRecords
from agents.vault.source import CredentialSource
from infra.credential_source import credential_source
from infra.credential_store import credential_store, key_ring, stored_credentials
from infra.database_address import ENCRYPTED, VERIFIED, hosts, ssl_mode
from infra.integration_settings import EnvironmentCredentials, load_integrations, without_secrets
from infra.migrate import pending
from infra.readers import reader_lags
from infra.settings import Settings
from projections.statements import statement
from providers.connector import Integration, LiveCredentials
from providers.loopback import is_loopback
from providers.registry import connectors
from schemas.database_failures import unreachable
from schemas.envelope import rfc3339
from schemas.errors import HubError, StoreError
from streams.admin import check_topics
from streams.environment import environment_of
from streams.probe import broker_addresses, broker_clock

State = Literal["ok", "warning", "failed"]

_CONNECT_S: Final = 10
_SKEW_WARNING_S: Final = 1.0
_ANSWER_WITHIN_H: Final = 48
"""An answer to a dispute takes somebody a day or two to collect."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome; `error` is what it failed with."""

    check: str
    state: State
    detail: str
    error: HubError | None = None


class Unwell(HubError):
    """A check failed on what it found, not on reaching it."""


Check = Callable[[Settings], Awaitable[tuple[State, str]]]


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run every check, the next ones too when one fails."""
    for name, check in CHECKS.items():
        try:
            state, detail = await check(settings)
        except HubError as bad:
            yield Finding(name, "failed", str(bad), bad)
        else:
            yield Finding(name, state, detail)


async def _brokers(settings: Settings) -> tuple[State, str]:
    found = await broker_addresses(settings.kafka)
    if len(found) < settings.replication:
        raise Unwell(f"{len(found)} brokers cannot keep {settings.replication} copies (KOLAJ_REPLICATION)")
    if len(found) == 1:
        return "warning", f"{found[0]} alone: what it acknowledged is lost with its disk"
    return "ok", ", ".join(found)


async def _topics(settings: Settings) -> tuple[State, str]:
    topics = settings.topics.all()
    await check_topics(settings.kafka, topics, replication=settings.replication, min_insync=settings.min_insync)
    return "ok", f"{len(topics)} as declared"


async def _environment(settings: Settings) -> tuple[State, str]:
    found = await environment_of(settings.kafka, settings.topic_prefix)
    if found is None:
        return "warning", "topics are not marked yet; the first worker does it"
    if found != settings.environment:
        raise Unwell(
            f"topics {settings.topic_prefix}.* are of environment {found}, KOLAJ_ENVIRONMENT is "
            f"{settings.environment}: use another KOLAJ_TOPIC_PREFIX"
        )
    return "ok", found


async def _append(settings: Settings) -> tuple[State, str]:
    topic = settings.topics_name("doctor")
    return _skew(await broker_clock(settings.kafka, topic, replication=settings.replication), settings)


async def _database(settings: Settings) -> tuple[State, str]:
    async with _connected(settings) as connection:
        version = await connection.fetchval("select current_setting('server_version')")
        user = await connection.fetchval("select current_user || '@' || current_database()")
    url = settings.database_url.get_secret_value()
    mode = ssl_mode(url)
    if mode not in VERIFIED and any(not is_loopback(host) for host in hosts(url)):
        risk = "anybody on the way could pose as it" if mode in ENCRYPTED else "it may be spoken to in plain text"
        return "warning", f"PostgreSQL {version}, {user}; {risk}: set DATABASE_CA_FILE"
    return "ok", f"PostgreSQL {version}, {user}"


async def _durability(settings: Settings) -> tuple[State, str]:
    async with _connected(settings) as connection:
        values = {
            name: await connection.fetchval("select current_setting($1)", name)
            for name in ("fsync", "synchronous_commit", "full_page_writes", "synchronous_standby_names")
        }
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if values[name] == "off"]
    if off:
        raise Unwell(f"{', '.join(off)} is off: a crash would forget what was sent; switch it on in PostgreSQL")
    if settings.environment == "production" and not values["synchronous_standby_names"]:
        return "warning", "no synchronous standby: a failover forgets the last commits, and money moves twice"
    return "ok", "fsync and synchronous_commit are on"


async def _migrations(settings: Settings) -> tuple[State, str]:
    waiting = await pending(settings.database_url.get_secret_value())
    if waiting:
        return "warning", f"{len(waiting)} not run yet ({waiting[0]} first); a worker runs them when it starts"
    return "ok", "none waits"


async def _database_clock(settings: Settings) -> tuple[State, str]:
    async with _connected(settings) as connection:
        before = time.time()
        theirs = await connection.fetchval("select clock_timestamp()")
        after = time.time()
    return _skew(theirs.timestamp() - (before + after) / 2, settings)


async def _lag(settings: Settings) -> tuple[State, str]:
    if await pending(settings.database_url.get_secret_value()):
        return "warning", "not known before the migrations have run"
    found = await reader_lags(settings)
    late = [reader for reader in found if reader.age_s > settings.lag_bound_s]
    if late:
        raise Unwell(
            f"{'; '.join(map(str, late))}: past {settings.lag_bound_s:g} s, and retention will delete what nobody has "
            "read; start more workers or projectors, or see what holds them up"
        )
    return "ok", "; ".join(map(str, found))


async def _disputes(settings: Settings) -> tuple[State, str]:
    if await pending(settings.database_url.get_secret_value()):
        return "warning", "not known before the migrations have run"
    async with _connected(settings) as connection:
        row = await connection.fetchrow(statement("disputes/due"), _ANSWER_WITHIN_H)
    if not row["due"]:
        return "ok", f"no answer is due within {_ANSWER_WITHIN_H} h"
    told = f"answers due within {_ANSWER_WITHIN_H} h or past due: {row['due']}, the first by {rfc3339(row['first'])}"
    return "warning", f"{told}; `kolaj disputes list --state needs_response` names them, answer at the provider"


async def _integrations(settings: Settings) -> tuple[State, str]:
    known, stored = connectors(), without_secrets(settings)
    # What the settings say wrong is told without a database.
    fixed = load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    try:
        if await pending(settings.database_url.get_secret_value()):
            return "warning", "not known before the migrations have run"
        async with AsyncExitStack() as stack:
            source: CredentialSource = EnvironmentCredentials(settings)
            if stored or settings.encryption_key is not None:
                vault = await stack.enter_async_context(_vault(settings))
                store = await stack.enter_async_context(credential_store(settings, vault, key_ring(settings)))
                cache = CredentialCache(store, environment=settings.environment, now=_now)
                opened = await stored_credentials(settings, known, cache, stored)
                fixed = load_integrations(settings, known, opened)
                source = credential_source(settings, cache)
            directory = Directory(await stack.enter_async_context(_ledger(settings)), source, known, fixed=fixed)
            await directory.refresh()
            return _told(directory)
    except StoreError as failed:
        if isinstance(failed.__cause__, asyncpg.InsufficientPrivilegeError):
            return "warning", "this account does not see the vault, where credentials lie"
        if isinstance(failed.__cause__, OSError):  # what does not answer is named by a check of its own
            return "warning", f"{_told(fixed)[1]}; the registry was not looked at"
        raise


def _told(there: Mapping[str, Integration]) -> tuple[State, str]:
    if not there:
        return "warning", "there is no integration, so that every command is refused; `kolaj integrations add` adds one"
    told = ", ".join(f"{item.id} ({item.connector.name}, {item.environment})" for item in there.values())
    lacking = [item.lacks for item in there.values() if item.lacks is not None]
    return ("warning", f"{told}; {'; '.join(lacking)}") if lacking else ("ok", told)


async def _encryption(settings: Settings) -> tuple[State, str]:
    if settings.encryption_key is None:
        return "warning", "INTEGRATION_ENCRYPTION_KEY is not set: no worker starts without it"
    ring = key_ring(settings)
    told = f"seals under {ring.primary_id}" + "".join(f", opens {key_id}" for key_id in ring.ids[1:])
    if await pending(settings.database_url.get_secret_value()):
        return "ok", told
    async with _ledger(settings) as ledger, _vault(settings) as vault:
        try:
            await ParkedRecords(ledger, Seal(ring)).check(ring)
            await MasterKeys(vault).check(ring)
        except StoreError as failed:
            if isinstance(failed.__cause__, asyncpg.InsufficientPrivilegeError):
                return "warning", f"{told}; this account does not see where it is told which keys are needed"
            raise
    return "ok", told


CHECKS: Final[dict[str, Check]] = {
    "brokers": _brokers,
    "topics": _topics,
    "environment": _environment,
    "append, broker's clock": _append,
    "database": _database,
    "durability": _durability,
    "migrations": _migrations,
    "database's clock": _database_clock,
    "lag": _lag,
    "integrations, secrets": _integrations,
    "master keys": _encryption,
    "disputes": _disputes,
}


def _skew(ahead_s: float, settings: Settings) -> tuple[State, str]:
    told = f"{abs(ahead_s):.3f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if abs(ahead_s) >= settings.lease_margin_s:
        raise Unwell(f"{told}, more than KOLAJ_LEASE_MARGIN_S: let both machines keep time by NTP")
    return ("warning" if abs(ahead_s) > _SKEW_WARNING_S else "ok"), told


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    address = settings.database_url.get_secret_value()
    pool = await open_pool(address, size=1, application_name="kolaj-doctor")
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def _vault(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    address = settings.vault_url.get_secret_value()
    pool = await open_pool(address, size=1, application_name="kolaj-doctor", setting="VAULT_DATABASE_URL")
    try:
        yield pool
    finally:
        await pool.close()


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Any]:
    connection: Any = None
    try:
        connection = await asyncpg.connect(settings.database_url.get_secret_value(), timeout=_CONNECT_S)
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as failed:
        raise unreachable(failed) from failed
    finally:
        if connection is not None:
            await connection.close()
