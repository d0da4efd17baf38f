import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from agents.pool import open_pool
from agents.vault.keyring import KeyRing
from agents.vault.master_keys import MasterKeys
from infra.local import LocalStack
from infra.migrate import migrate
from streams.admin import ensure_topics
from streams.environment import claim_environment
from streams.kafka import KafkaAccess
from streams.topics import Topics
from tests.master_keys import a_master_key
from tests.stack import fresh_name

DAY_S = 24 * 3600

Doctor = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def prefix() -> str:
    return fresh_name("t")


@pytest.fixture
def doctor(stack: LocalStack, database_url: str, prefix: str) -> Doctor:
    def run(**environment: str) -> tuple[int, dict[str, dict[str, str]]]:
        known = {
            "PATH": os.environ["PATH"],
            "KAFKA_BOOTSTRAP": stack.bootstrap,
            "DATABASE_URL": database_url,
            "KOLAJ_TOPIC_PREFIX": prefix,
            "KOLAJ_PARTITIONS": "2",
            "KOLAJ_INTEGRATIONS": '[{"id": "iyzico-main", "provider": "iyzico"}]',
            "IYZICO_MAIN_API_KEY": "sandbox-key",
            "IYZICO_MAIN_SECRET_KEY": "sandbox-secret-sesame",
            **environment,
        }
        command = [sys.executable, "-m", "infra.cli", "doctor", "--json"]
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=known, capture_output=True, text=True, timeout=90, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "sesame" not in done.stdout + done.stderr
        checks: list[dict[str, Any]] = json.loads(done.stdout)["checks"] if done.stdout else []
        return done.returncode, {check["check"]: check for check in checks}

    return run


async def prepare(stack: LocalStack, database_url: str, prefix: str) -> None:
    access = KafkaAccess(stack.bootstrap)
    await claim_environment(access, prefix, "sandbox", replication=1)
    await ensure_topics(access, Topics(prefix, 2).all(), replication=1, min_insync=1)
    await migrate(database_url)


async def test_a_hub_that_is_ready_passes_every_check(
    stack: LocalStack, doctor: Doctor, database_url: str, prefix: str
) -> None:
    await prepare(stack, database_url, prefix)
    code, checks = doctor()
    assert code == 0, checks
    assert {name for name, check in checks.items() if check["state"] == "warning"} == {"brokers", "master keys"}
    assert "iyzico-main (iyzico, sandbox)" in checks["integrations, secrets"]["detail"]
    assert " s " in checks["database's clock"]["detail"]


async def test_a_master_key_that_is_missing_is_named(
    stack: LocalStack, doctor: Doctor, database_url: str, prefix: str
) -> None:
    await prepare(stack, database_url, prefix)
    ours, theirs = a_master_key(), KeyRing.of(a_master_key())
    pool = await open_pool(database_url, size=1)
    try:
        await MasterKeys(pool).begin(theirs)
        code, checks = doctor(INTEGRATION_ENCRYPTION_KEY=ours.get_secret_value())
        assert (code, checks["master keys"]["state"]) == (4, "failed")
        assert f"the master key {theirs.primary_id} is missing" in checks["master keys"]["detail"]
        await MasterKeys(pool).retire(theirs.ids)
    finally:
        await pool.close()
    assert doctor(INTEGRATION_ENCRYPTION_KEY=ours.get_secret_value())[1]["master keys"]["state"] == "ok"


async def test_answers_to_disputes_that_are_due_soon_are_told(
    stack: LocalStack, doctor: Doctor, database_url: str, prefix: str
) -> None:
    await prepare(stack, database_url, prefix)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            """insert into payment_disputes
               select 'stripe-main', 'du_' || hours, gen_random_uuid(), 'stripe', 1, state, state, null, 1250, 'TRY', 0,
                      'TRY', 'fraud', null, null, now() + make_interval(hours => hours),
                      false, now(), '/x', gen_random_uuid()
               from (values (-1, 'needs_response'), (47, 'needs_response'), (49, 'needs_response'), (1, 'under_review'))
                    as due (hours, state)"""
        )
        _, checks = doctor()
        assert checks["disputes"]["state"] == "warning"
        assert "48 h or past due: 2, " in checks["disputes"]["detail"]
    finally:
        await connection.execute("truncate payment_disputes")
        await connection.close()


async def test_missing_topics_are_found(doctor: Doctor) -> None:
    code, checks = doctor()
    assert (code, checks["topics"]["state"]) == (4, "failed")
    assert "payments.commands" in checks["topics"]["detail"]
    assert checks["database"]["state"] == "ok"


async def test_a_wrong_password_is_found_and_not_shown(doctor: Doctor, database_url: str) -> None:
    parts = urlsplit(database_url)
    role = fresh_name("r")
    admin = await asyncpg.connect(database_url)
    try:
        await admin.execute(f"create role {role} login password 'right'")
        wrong = parts._replace(netloc=f"{role}:sesame@{parts.hostname}:{parts.port}").geturl()
        code, checks = doctor(DATABASE_URL=wrong)
    finally:
        await admin.execute(f"drop role {role}")
        await admin.close()
    assert code != 0
    assert "refused the user or password" in checks["database"]["detail"]


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit"])
async def test_a_database_that_may_forget_is_refused(doctor: Doctor, database_url: str, setting: str) -> None:
    # For this database's new sessions only; fsync is the whole server's, so that its report is what is replaced.
    admin = await asyncpg.connect(database_url)
    name = urlsplit(database_url).path.lstrip("/")
    try:
        if setting == "synchronous_commit":
            await admin.execute(f'alter database "{name}" set synchronous_commit = off')
        else:
            await admin.execute("create schema shadow")
            await admin.execute(
                "create function shadow.current_setting(name text) returns text language sql as $$ select case when "
                "name = 'fsync' then 'off' else pg_catalog.current_setting(name) end $$"
            )
            await admin.execute(f'alter database "{name}" set search_path = shadow, pg_catalog, public')
        _, checks = doctor()
    finally:
        await admin.execute(f'alter database "{name}" reset all')
        await admin.execute("drop schema if exists shadow cascade")
        await admin.close()
    assert checks["durability"]["state"] == "failed"
    assert f"{setting} is off" in checks["durability"]["detail"]


async def test_topics_of_another_environment_are_found(stack: LocalStack, doctor: Doctor, prefix: str) -> None:
    access = KafkaAccess(stack.bootstrap)
    await claim_environment(access, prefix, "production", replication=1)
    _, checks = doctor()
    assert "are of environment production" in checks["environment"]["detail"]


async def test_what_cannot_be_reached_has_a_code_of_its_own(doctor: Doctor) -> None:
    code, checks = doctor(KAFKA_BOOTSTRAP="127.0.0.1:1", DATABASE_URL="postgresql://kolaj@127.0.0.1:1/x")
    assert code == 3
    assert "Kafka at 127.0.0.1:1 does not answer" in checks["brokers"]["detail"]
    assert "PostgreSQL does not answer" in checks["database"]["detail"]
    assert checks["integrations, secrets"]["state"] == "warning"
    assert checks["integrations, secrets"]["detail"] == "iyzico-main (iyzico, sandbox); the registry was not looked at"


async def test_a_missing_secret_is_named(doctor: Doctor) -> None:
    _, checks = doctor(IYZICO_MAIN_SECRET_KEY="")
    assert "IYZICO_MAIN_SECRET_KEY is empty" in checks["integrations, secrets"]["detail"]


async def test_settings_that_are_wrong_end_it_at_once(doctor: Doctor) -> None:
    assert doctor(KOLAJ_LEASE_S="1") == (4, {})


async def publish(stack: LocalStack, topic: str, age_s: float) -> None:
    producer = AIOKafkaProducer(**KafkaAccess(stack.bootstrap).options())
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"{}", b"k", timestamp_ms=int((time.time() - age_s) * 1000))
    finally:
        await producer.stop()


async def test_what_waits_for_longer_than_half_its_retention_fails_and_names_the_reader(
    stack: LocalStack, doctor: Doctor, database_url: str, prefix: str
) -> None:
    await prepare(stack, database_url, prefix)
    topics = Topics(prefix, 2)
    await publish(stack, topics.payment_commands.name, DAY_S)
    code, checks = doctor()
    assert code == 0, checks
    assert re.fullmatch(
        r"worker 1 behind, oldest 86\d{3} s; registrar 0 behind; waker 0 behind; webhooks 0 behind; "
        r"waiting webhooks 0 behind; projector 1 behind, oldest 86\d{3} s",
        checks["lag"]["detail"],
    )

    await publish(stack, topics.retries[-1][1].name, 4 * DAY_S)
    code, checks = doctor()
    assert (code, checks["lag"]["state"]) == (1, "failed")
    assert "waker 1 behind" in checks["lag"]["detail"]
    assert "worker" not in checks["lag"]["detail"].split(":")[0]
