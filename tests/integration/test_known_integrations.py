"""What commands know of integrations: those of the settings, those of the registry, and their stored secrets."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from agents.integrations.decide import House
from agents.integrations.registry import Order, Registry
from agents.pool import open_pool
from agents.vault.keyring import KeyRing
from agents.vault.postgres import PostgresCredentials
from agents.vault.secret import Secret
from infra.cli.failing import Failed
from infra.cli.known_integrations import known_integration, provider_of
from infra.local import LocalStack
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from providers.registry import connectors
from schemas.errors import SettingsError
from schemas.ids import new_id
from schemas.integrations import IntegrationCommand
from streams.codec import digest
from tests import integration_orders as an
from tests.builders import an_envelope
from tests.master_keys import a_master_key
from tests.stack import fresh_name

KEY = a_master_key()
ENTRIES = [{"id": name, "provider": "iyzico"} for name in ("in-variables", "in-store", "nowhere")]
KEYS = {"api_key": "sandbox-open-sesame", "secret_key": "sandbox-secret-sesame"}


@dataclass
class Place:
    environment: dict[str, str]
    pool: asyncpg.Pool

    @property
    def settings(self) -> Settings:
        return read_settings(environment=self.environment)

    def without(self, *names: str) -> Settings:
        left = {name: value for name, value in self.environment.items() if name not in names}
        return read_settings(kafka=False, database=False, environment=left)

    async def order(self, command: IntegrationCommand) -> None:
        envelope = an_envelope(command, id=new_id(), type=command.type)
        order = Order(envelope, command, digest(envelope, command.key, command))
        await Registry(self.pool, House(connectors(), "sandbox")).settle(order, at=datetime.now(UTC), traceparent=None)

    async def store(self, name: str, values: Mapping[str, str]) -> None:
        secrets = {field: Secret(value) for field, value in values.items()}
        kept = PostgresCredentials(self.pool, KeyRing.of(KEY))
        await kept.put(name, secrets, by="Işıl", at=datetime.now(UTC), follows=0)

    def run(self, *arguments: str, stdin: str = "") -> Any:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "infra.cli", *arguments],
            env=self.environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert b"sesame" not in done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest_asyncio.fixture(scope="module")
async def house(stack: LocalStack, database_url: str) -> AsyncIterator[Place]:
    environment = {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP": stack.bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": fresh_name("t"),
        "KOLAJ_PARTITIONS": "1",
        "KOLAJ_INTEGRATIONS": json.dumps(ENTRIES),
        "INTEGRATION_ENCRYPTION_KEY": KEY.get_secret_value(),
        "IN_VARIABLES_API_KEY": "sandbox-a",
        "IN_VARIABLES_SECRET_KEY": "sandbox-b",
    }
    await prepare_stores(read_settings(environment=environment))
    async with await open_pool(database_url) as pool:
        house = Place(environment, pool)
        await house.store("in-store", KEYS)
        for name in ("added", "disabled", "removed", "bare"):
            await house.order(an.an_add(name))
        await house.store("added", KEYS)
        for name in ("disabled", "removed"):
            await house.order(an.a_disable(name))
        await house.order(an.a_removal("removed"))
        yield house


async def test_one_of_the_settings_with_its_secrets_there_needs_no_database_whatever_the_others_lack(
    house: Place,
) -> None:
    found = await known_integration(house.without("DATABASE_URL", "INTEGRATION_ENCRYPTION_KEY"), "in-variables")
    assert found.credentials["api_key"].get_secret_value() == "sandbox-a"


@pytest.mark.parametrize("name", ["in-store", "added"])
async def test_stored_secrets_are_opened(house: Place, name: str) -> None:
    found = await known_integration(house.settings, name)
    assert {field: secret.get_secret_value() for field, secret in found.credentials.items()} == KEYS
    assert found.lacks is None


async def test_stored_secrets_without_a_master_key_name_the_setting(house: Place) -> None:
    with pytest.raises(SettingsError, match="INTEGRATION_ENCRYPTION_KEY is not set"):
        await known_integration(house.without("INTEGRATION_ENCRYPTION_KEY"), "in-store")


async def test_an_account_without_secrets_says_how_to_give_them(house: Place) -> None:
    with pytest.raises(SettingsError, match="kolaj credentials set nowhere api_key secret_key"):
        await known_integration(house.settings, "nowhere")
    assert "kolaj credentials set" in ((await known_integration(house.settings, "bare")).lacks or "")


async def test_a_disabled_account_is_known_and_a_removed_one_is_not(house: Place) -> None:
    assert (await known_integration(house.settings, "disabled")).id == "disabled"
    with pytest.raises(Failed, match="no integration is called removed; there are added, bare, disabled, in-store"):
        await known_integration(house.settings, "removed")
    assert [await provider_of(house.settings, name) for name in ("in-store", "bare", "removed", "other")] == [
        "iyzico",
        "iyzico",
        None,
        None,
    ]


async def test_an_account_of_the_registry_is_asked_for_all_that_its_provider_needs(house: Place) -> None:
    await house.order(an.an_add("given"))
    told = house.run("credentials", "set", "given", "--by", "Işıl", "--json", stdin="sesame-a\nsesame-b\n")
    assert told["fields"] == ["api_key", "secret_key"]
    shown = house.run("integrations", "show", "given", "--json")
    assert shown["credentials"] == "version 1: api_key, secret_key"
