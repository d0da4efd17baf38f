"""A worker whose account's secrets lie in the store of credentials, while they are rotated and revoked."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from agents.pool import open_pool
from agents.vault.keyring import UnknownMasterKey
from agents.vault.master_keys import MasterKeys
from agents.vault.postgres import PostgresCredentials
from agents.vault.rotation import Rotated, rotate
from agents.vault.secret import Secret
from infra.credential_store import key_ring
from infra.local import LocalStack
from infra.logs import Scrubber, configure_logs
from infra.settings import read_settings
from infra.worker import run_worker
from schemas.errors import SettingsError
from tests.acceptance.orders import Orders, a_payment
from tests.hub import INTEGRATION, Hub, running_hub
from tests.master_keys import a_master_key

WRONG = {"api_key": "sandbox-wrong-sesame", "secret_key": "sandbox-wrong-secret-sesame"}


@pytest_asyncio.fixture
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """A hub without workers, and without the account's secrets in its environment."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0, projectors=0) as hub:
        without = {name: value for name, value in hub.environment.items() if not name.startswith("IYZICO_TEST_")}
        hub.settings = read_settings(environment=without)
        yield hub


async def store(hub: Hub, values: Mapping[str, str], **rotation: Any) -> Rotated:
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        credentials = PostgresCredentials(pool, key_ring(hub.settings))
        secrets = {name: Secret(value) for name, value in values.items()}
        return await rotate(credentials, INTEGRATION, secrets, by="Işıl", at=datetime.now(UTC), **rotation)
    finally:
        await pool.close()


async def revoke(hub: Hub, number: int) -> None:
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        credentials = PostgresCredentials(pool, key_ring(hub.settings))
        await credentials.revoke(INTEGRATION, number, by="Işıl", at=datetime.now(UTC))
    finally:
        await pool.close()


async def until_accepted(hub: Hub) -> int:
    """Pays until a payment is accepted; how many were refused before it."""
    orders, refused = Orders(hub), 0
    async with asyncio.timeout(60):
        while (await orders.result(a_payment())).verdict != "accepted":
            refused += 1
    return refused


async def test_a_running_worker_takes_up_rotated_and_revoked_credentials_and_logs_none(hub: Hub) -> None:
    with pytest.raises(SettingsError, match=f"kolaj credentials set {INTEGRATION} api_key secret_key"):
        await run_worker(hub.settings, asyncio.Event(), on_ready=lambda: None)

    right = {"api_key": hub.sandbox.api_key, "secret_key": hub.sandbox.secret_key}
    await store(hub, WRONG)
    root, output = logging.getLogger(), io.StringIO()
    before = (root.handlers, root.level)
    configure_logs("DEBUG", Scrubber.of(hub.settings), output)
    try:
        async with hub.worker():
            assert (await Orders(hub).result(a_payment())).verdict == "refused"
            assert (await store(hub, right, overlap_s=3600)).version.number == 2
            await until_accepted(hub)

            await revoke(hub, 2)
            await revoke(hub, 1)
            # The worker sees it at its next look; what it takes up from then on waits.
            waiting = await until_one_waits(hub)
            await store(hub, right)
            (result,) = (await hub.results([waiting], within_s=60)).values()
            assert result.verdict == "accepted"

            for secret in (*WRONG.values(), *right.values()):
                logging.getLogger("kolaj.test").warning("given away: %s", secret, extra={"also": {"here": [secret]}})
    finally:
        root.handlers, root.level = before
        logging.captureWarnings(capture=False)
    text = output.getvalue()
    assert text.count("given away: ***") == 4
    assert not any(secret in text for secret in (*WRONG.values(), *right.values()))
    assert not any(secret in str(hub.calls) for secret in (*WRONG.values(), *right.values()))


async def until_one_waits(hub: Hub) -> Any:
    """Pays until a command is parked, since the account has no credentials left; its id."""
    async with asyncio.timeout(60), hub.database() as connection:
        while True:
            (command_id,) = await Orders(hub).publish(a_payment())
            while command_id not in {getattr(event, "command_id", None) for event in hub.events}:
                why = await connection.fetchval("select reason from ledger.parked where command_id = $1", command_id)
                if why is not None:
                    return command_id
                await asyncio.sleep(0.02)


async def test_a_worker_with_the_wrong_master_key_does_not_start_and_says_which_one_it_lacks(hub: Hub) -> None:
    ring = key_ring(hub.settings)
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        await MasterKeys(pool).begin(ring)
    finally:
        await pool.close()
    wrong = dict(hub.environment) | {"INTEGRATION_ENCRYPTION_KEY": a_master_key().get_secret_value()}
    with pytest.raises(UnknownMasterKey, match=ring.primary_id):
        await run_worker(read_settings(environment=wrong), asyncio.Event(), on_ready=lambda: None)
