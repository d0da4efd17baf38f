"""`kolaj credentials` as an operator runs it."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.pool import open_pool
from agents.sealing import Seal
from agents.vault.envelope import key_id_of
from agents.vault.keyring import KeyRing, UnknownMasterKey
from agents.vault.master_keys import MasterKeys
from agents.vault.postgres import PostgresCredentials
from agents.vault.secret import Secret
from infra.local import LocalStack
from infra.settings import read_settings
from infra.stores import prepare_stores
from schemas.ids import new_id
from streams.kafka import KafkaAccess
from streams.reader import replay
from streams.records import RawRecord
from streams.topics import Topics
from tests.acceptance.command_line import Done
from tests.master_keys import a_master_key
from tests.stack import fresh_name

OLD, NEW = a_master_key(), a_master_key()
RING = KeyRing.of(OLD)
API_KEY, SECRET_KEY = "sandbox-open-sesame", "sandbox-secret-sésame"
VALUES = json.dumps({"api_key": API_KEY, "secret_key": SECRET_KEY})


@dataclass
class Desk:
    """A database and topics of their own, and the command line on them."""

    environment: dict[str, str]
    pool: asyncpg.Pool

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        done = subprocess.run(  # noqa: S603 - our own command
            self.command(arguments),
            env=self.environment | environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=90,
            check=False,
        )
        told = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in told.err, told.err
        assert "sesame" not in told.out + told.err
        assert "sésame" not in told.out + told.err
        return told

    @staticmethod
    def command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "infra.cli", "credentials", *arguments]

    async def opened(self, account: str, ring: KeyRing = RING) -> list[dict[str, str]]:
        found = await PostgresCredentials(self.pool, ring).live(account, datetime.now(UTC))
        return [{name: secret.reveal() for name, secret in one.values.items()} for one in found]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What stands on the topic of integrations' events, by type."""
        topic = Topics(self.environment["KOLAJ_TOPIC_PREFIX"], 1).integration_events.name
        access = KafkaAccess(self.environment["KAFKA_BOOTSTRAP"])
        return [
            ((dict(record.headers)["ce_type"] or b"").decode(), json.loads(record.value or b""))
            async for record in replay(access, topic)
        ]


@pytest_asyncio.fixture(scope="module")
async def kolaj(stack: LocalStack, database_url: str) -> AsyncIterator[Desk]:
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "300",
        "KAFKA_BOOTSTRAP": stack.bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": fresh_name("t"),
        "KOLAJ_PARTITIONS": "1",
        "KOLAJ_INTEGRATIONS": '[{"id": "iyzico-main", "provider": "iyzico"}]',
        "INTEGRATION_ENCRYPTION_KEY": OLD.get_secret_value(),
    }
    await prepare_stores(read_settings(environment=environment))
    async with await open_pool(database_url) as pool:
        yield Desk(environment, pool)


async def test_credentials_are_set_rotated_listed_and_revoked_without_ever_being_shown(
    kolaj: Desk, tmp_path: Path
) -> None:
    assert kolaj("set", "iyzico-main", "--by", "Işıl", stdin=VALUES).code == 0
    assert await kolaj.opened("iyzico-main") == [{"api_key": API_KEY, "secret_key": SECRET_KEY}]

    file = tmp_path / "new"
    file.write_text("sesame-two\n", encoding="utf-8")
    rotated = kolaj("rotate", "iyzico-main", "secret_key", "--by", "Çağrı", "--file", str(file), "--json")
    assert (rotated.json["version"], rotated.json["carried"], rotated.json["retiring"]) == (2, ["api_key"], [1])
    assert [one["secret_key"] for one in await kolaj.opened("iyzico-main")] == ["sesame-two", SECRET_KEY]

    listed = kolaj("list", "--json").json
    assert [(one["version"], one["state"], one["created_by"]) for one in listed] == [
        (2, "current", "Çağrı"),
        (1, "retiring", "Işıl"),
    ]
    assert "iyzico-main" in kolaj("list").out

    revoked = kolaj("revoke", "iyzico-main", "1", "--by", "Işıl")
    assert "calls are made with version 2" in revoked.err
    assert [one["secret_key"] for one in await kolaj.opened("iyzico-main")] == ["sesame-two"]
    states = [one["state"] for one in kolaj("history", "iyzico-main", "--json").json]
    assert states == ["revoked by Işıl", "current"]

    events = await kolaj.events()
    assert [(kind.split(".")[1], body["version"]) for kind, body in events] == [
        ("credential_stored", 1),
        ("credential_rotated", 2),
        ("credential_revoked", 1),
    ]
    assert events[1][1]["changed"] == ["secret_key"]
    assert not any(value in json.dumps(events, ensure_ascii=False) for value in (API_KEY, SECRET_KEY, "sesame-two"))
    rows = await kolaj.pool.fetch("select t::text as row from vault.integration_credentials t")
    assert not any("sesame" in row["row"] for row in rows)


async def test_a_mistake_is_named_without_the_value_and_stores_nothing(kolaj: Desk) -> None:
    entries = json.dumps([{"id": "incomplete", "provider": "iyzico"}])
    done = kolaj("set", "incomplete", "api_key", "--by", "Işıl", stdin="sesame", KOLAJ_INTEGRATIONS=entries)
    assert (done.code, "needs secret_key too" in done.err) == (1, True), done.err
    pasted = kolaj("set", "pasted", "token", "--by", "Işıl", stdin="sesame sesame")
    assert (pasted.code, "token has a blank" in pasted.err) == (1, True), pasted.err
    assert await kolaj.opened("incomplete") == await kolaj.opened("pasted") == []


async def test_a_prompt_hides_what_is_typed(kolaj: Desk) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *kolaj.command(("set", "typed", "token", "--by", "Işıl")),
        env=kolaj.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        async with asyncio.timeout(60):
            seen = b""
            while b"token (hidden):" not in seen:
                seen += await asyncio.to_thread(os.read, ours, 1000)
            os.write(ours, b"sesame-typed\n")
            while process.returncode is None:
                try:
                    seen += await asyncio.to_thread(os.read, ours, 1000)
                except OSError:  # the other end was closed
                    break
            assert await process.wait() == 0, seen
    finally:
        if process.returncode is None:
            process.kill()
        os.close(ours)
    assert b"sesame" not in seen
    assert await kolaj.opened("typed") == [{"token": "sesame-typed"}]


async def test_a_process_without_the_master_key_says_which_one_it_lacks_and_seals_nothing(kolaj: Desk) -> None:
    await MasterKeys(kolaj.pool).begin(RING)
    stray = a_master_key()
    done = kolaj("set", "stray", "token", "--by", "x", stdin="sesame", **environment_of(stray))
    assert (done.code, f"the master key {RING.primary_id} is missing" in done.err) == (4, True)
    with pytest.raises(UnknownMasterKey, match=RING.primary_id):
        await MasterKeys(kolaj.pool).begin(KeyRing.of(stray))
    assert await kolaj.opened("stray") == []
    await MasterKeys(kolaj.pool).check(RING)


def a_record() -> RawRecord:
    return RawRecord("t", 0, 0, 0, b"k", b"a parked command", ())


async def park(pool: asyncpg.Pool, ring: KeyRing) -> None:
    command = new_id()
    key = f"payments/{command}"
    await pool.execute("insert into ledger.keys (key, epoch, open_command) values ($1, 1, $2)", key, command)
    await pool.execute(
        'insert into ledger.parked (key, command_id, digest, topic, partition, "offset", sealed, reason, tries,'
        " parked_at, due_at) values ($1, $2, '', 't', 0, 0, $3, 'x', 0, now(), now())",
        key,
        command,
        Seal(ring).close(a_record(), command),
    )


async def test_the_master_key_is_rotated_through_a_kill_while_others_read(kolaj: Desk) -> None:
    both = KeyRing.of(NEW, [OLD])
    store = PostgresCredentials(kolaj.pool, RING)
    for number in range(30):
        values = {"token": Secret(f"sesame-{number}")}
        await store.put(f"account-{number}", values, by="x", at=datetime.now(UTC), follows=0)
        await park(kolaj.pool, RING)
    ciphertexts = {row["id"]: row["sealed"][-28:] for row in await sealed_rows(kolaj.pool)}

    keys = environment_of(NEW, OLD)
    process = await asyncio.create_subprocess_exec(
        *kolaj.command(("rotate-master", "--by", "Işıl", "--batch", "1")),
        env=kolaj.environment | keys,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        for _ in range(5):
            assert b"credentials: 1 rewrapped" in await process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    left = await PostgresCredentials(kolaj.pool, both).left()
    assert 0 < left < 30
    await everything_opens(kolaj, both)

    reading = asyncio.create_task(read_on(kolaj, both))
    done = await asyncio.to_thread(kolaj, "rotate-master", "--by", "Işıl", "--batch", "7", **keys)
    reading.cancel()
    assert (done.code, f"nothing is under {RING.primary_id} any more" in done.err) == (0, True), done.err
    assert await reading_ended(reading)

    await everything_opens(kolaj, KeyRing.of(NEW))
    rows = await sealed_rows(kolaj.pool)
    assert {row["id"]: row["sealed"][-28:] for row in rows} == ciphertexts
    assert {key_id_of(row["sealed"]) for row in rows} == {both.primary_id}
    await MasterKeys(kolaj.pool).begin(KeyRing.of(NEW))
    with pytest.raises(UnknownMasterKey, match=both.primary_id):
        await MasterKeys(kolaj.pool).begin(RING)

    steps = [body for kind, body in await kolaj.events() if kind == "integrations.master_key_rotated.v1"]
    assert {body["key_id"] for body in steps} == {both.primary_id}
    assert steps[-1]["left"] == 0
    assert steps[-1]["retired"] == [RING.primary_id]
    # A step is told after it is committed, so the kill may have kept one from being told.
    assert 59 <= sum(body["rewrapped"] for body in steps) - others(rows) <= 60

    again = kolaj("rotate-master", "--by", "Işıl", **keys)
    assert (again.code, "nothing was left to do" in again.err) == (0, True)

    # A worker that still had the old key parked a command after it was counted.
    await park(kolaj.pool, RING)
    lacking = kolaj("list", **environment_of(NEW))
    assert (lacking.code, f"the master key {RING.primary_id} is missing" in lacking.err) == (4, True)


def environment_of(primary: SecretStr, *retired: SecretStr) -> dict[str, str]:
    return {
        "INTEGRATION_ENCRYPTION_KEY": primary.get_secret_value(),
        "INTEGRATION_ENCRYPTION_KEYS_RETIRED": ",".join(key.get_secret_value() for key in retired),
    }


def others(rows: Sequence[asyncpg.Record]) -> int:
    """Values that tests before this one left."""
    return len([row for row in rows if not row["integration_id"].startswith("account-")])


async def sealed_rows(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await pool.fetch("select * from vault.integration_credentials where sealed is not null"))


async def everything_opens(kolaj: Desk, ring: KeyRing) -> None:
    for number in range(30):
        assert await kolaj.opened(f"account-{number}", ring) == [{"token": f"sesame-{number}"}]
    for row in await kolaj.pool.fetch("select command_id, sealed from ledger.parked"):
        assert Seal(ring).open(row["sealed"], row["command_id"], "t", 0, 0) == a_record()


async def read_on(kolaj: Desk, ring: KeyRing) -> None:
    while True:
        await everything_opens(kolaj, ring)


async def reading_ended(reading: "asyncio.Task[None]") -> bool:
    """Whether it was cancelled, and nothing failed before."""
    try:
        await reading
    except asyncio.CancelledError:
        return True
    return False
