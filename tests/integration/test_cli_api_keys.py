"""`kolaj api-keys` as an operator runs it."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import pytest_asyncio

from agents.pool import open_pool
from infra.accounts import now
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.key_directory import KeyDirectory
from infra.local import LocalStack
from infra.settings import read_settings
from infra.stores import prepare_stores
from schemas.access import KeyCreated, KeyRevoked, KeyRotated
from tests.acceptance.command_line import Done
from tests.access import bearing
from tests.edge import recorded
from tests.stack import fresh_name


@dataclass
class Desk:
    """A database and topics of their own, and the command line on them."""

    environment: dict[str, str]
    pool: asyncpg.Pool

    def __call__(self, *arguments: str) -> Done:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "infra.cli", "api-keys", *arguments],
            env=self.environment,
            capture_output=True,
            timeout=90,
            check=False,
        )
        told = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in told.err, told.err
        return told

    async def opens(self, text: str) -> str:
        keys = KeyDirectory(self.pool, now=now)
        await keys.refresh()
        return (await Gatekeeper(keys, None).authenticate(bearing(text))).id


@pytest_asyncio.fixture(scope="module")
async def kolaj(stack: LocalStack, database_url: str) -> AsyncIterator[Desk]:
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "300",
        "KAFKA_BOOTSTRAP": stack.bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": fresh_name("t"),
        "KOLAJ_PARTITIONS": "1",
    }
    await prepare_stores(read_settings(environment=environment))
    async with await open_pool(database_url) as pool:
        yield Desk(environment, pool)


async def test_a_key_is_made_rotated_and_revoked_and_shown_once(kolaj: Desk) -> None:
    made = kolaj("create", "shop-backend", "payments:write", "payments:read", "--by", "Işıl", "--json").json
    assert (made["name"], made["source"], made["state"]) == ("shop-backend", "/services/shop-backend", "live")
    assert (made["scopes"], made["integrations"]) == (["payments:read", "payments:write"], None)
    assert await kolaj.opens(made["secret"]) == made["caller"] == f"key:{made['prefix']}"

    new = kolaj("rotate", made["prefix"], "--by", "Çağrı", "--overlap", "600", "--expires-in", "90", "--json").json
    assert new["caller"] == made["caller"]
    assert {await kolaj.opens(one["secret"]) for one in (made, new)} == {made["caller"]}

    shown = kolaj("show", new["prefix"], "--json")
    assert [(one["prefix"], one["state"], one["replaced_by"]) for one in shown.json] == [
        (made["prefix"], "replaced", new["prefix"]),
        (new["prefix"], "live", None),
    ]
    ends = [datetime.fromisoformat(one["expires_at"]) for one in shown.json]
    assert 550 < (ends[0] - now()).total_seconds() <= 600
    assert 89 < (ends[1] - now()).days + 1 <= 90

    revoked = kolaj("revoke", made["prefix"], "--by", "Işıl", "--json").json
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", "Işıl")
    assert [one["prefix"] for one in kolaj("list", "--json").json] == [new["prefix"]]
    every = kolaj("list", "--all", "--json")
    assert {one["prefix"] for one in every.json} == {made["prefix"], new["prefix"]}
    table = kolaj("list", "--all").out
    assert "shop-backend" in table
    secrets = [one["secret"].rpartition("_")[2] for one in (made, new)]
    assert not [secret for secret in secrets if secret in shown.out + every.out + table]

    found = await recorded(read_settings(environment=kolaj.environment))
    assert [type(event) for _, event, _ in found] == [KeyCreated, KeyRotated, KeyRevoked]


def test_for_people_the_key_alone_is_on_standard_output(kolaj: Desk) -> None:
    made = kolaj(
        "create", "reports", "payments:read", "--integration", "iyzico-main", "--rate", "5/second", "--by", "Işıl"
    )
    assert made.out.startswith("kolaj_sk_")
    assert made.out.count("\n") == 1
    assert "shown this once" in made.err
    [listed] = [one for one in kolaj("list", "--json").json if one["name"] == "reports"]
    assert (listed["integrations"], listed["rate"]) == (["iyzico-main"], "5/second")


def test_what_is_no_key_is_refused_with_what_to_do(kolaj: Desk) -> None:
    by = ("--by", "Işıl")
    for arguments, code, said in (
        (
            ("create", "shop", "payments:everything", *by),
            2,
            "there is no scope payments:everything; there are events:read",
        ),
        (("create", "Shop!", "payments:read", *by), 2, "lower-case letters"),
        (("create", "shop", "payments:read", "--integration", "Iyzico", *by), 2, "lower-case letters"),
        (("create", "shop", "payments:read", "--rate", "often", *by), 2, "must be like 100/second"),
        (("create", "shop", "payments:read", "--source", "a b", *by), 2, "printable ASCII"),
        (("create", "shop", *by), 2, "SCOPE"),
        (("rotate", "000000000000", *by), 1, "there is no key 000000000000"),
        (("revoke", "000000000000", *by), 1, "there is no key 000000000000"),
        (("show", "000000000000"), 1, "there is no key 000000000000"),
    ):
        done = kolaj(*arguments)
        assert (done.code, said in " ".join(done.err.replace("│", " ").split())) == (code, True), (arguments, done.err)
        assert "kolaj_sk_" not in done.out


def test_without_kafka_no_key_is_handed_out(kolaj: Desk) -> None:
    before = kolaj("list", "--all", "--json").json
    away = Desk({**kolaj.environment, "KAFKA_BOOTSTRAP": "127.0.0.1:1"}, kolaj.pool)
    done = away("create", "shop", "payments:read", "--by", "Işıl", "--json")
    assert (done.code, done.out) == (3, "")
    assert json.dumps(kolaj("list", "--all", "--json").json) == json.dumps(before)
