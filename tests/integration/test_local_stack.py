import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.local import LocalStack, LocalStackError, embedded_stack, local_stack, running_stack
from infra.local.database import Database
from infra.local.jars import class_path, read_lock
from infra.local.stack import _sweep

GONE_WITHIN_MS = 30_000
OWNER_OF_A_STACK = """
import sys
from infra.local import running_stack
with running_stack() as stack:
    print(stack.data_dir, stack.database.pid, *stack.broker.pids, flush=True)
    sys.stdin.read()
"""


@contextmanager
def folder_open_to_others() -> Iterator[Path]:
    """PostgreSQL may run as another user, who cannot pass through pytest's own temporary directory."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def create_topic(bootstrap: str, topic: str, replicas: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=replicas)])
    finally:
        await admin.close()


async def publish(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, key=b"payment", value=value)


async def first_record(bootstrap: str, topic: str) -> tuple[bytes, bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=topic, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(60):
        record = await consumer.getone()
    return record.key, record.value


async def test_a_published_record_comes_back(stack: LocalStack, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.roundtrip"
    await create_topic(stack.bootstrap, topic)
    await publish(stack.bootstrap, topic, "ödeme".encode())
    assert await first_record(stack.bootstrap, topic) == (b"payment", "ödeme".encode())


async def test_a_row_comes_back(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute("CREATE TABLE shop (name text)")
        await connection.execute("INSERT INTO shop VALUES ($1)", "İğneci")
        assert await connection.fetchval("SELECT name FROM shop") == "İğneci"


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
async def test_the_database_is_durable(database_url: str, setting: str) -> None:
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT current_setting($1)", setting) == "on"


async def test_a_wrong_password_is_refused(database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database_url, password="guessed")


def test_a_jar_that_differs_from_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    jar = replace(read_lock()[0], file_name="broker.jar")
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"jars": [asdict(jar)]}))
    (tmp_path / "kafka" / "broker.jar").write_bytes(b"something else")
    with pytest.raises(LocalStackError) as refusal:
        class_path(lock, cache=tmp_path)
    message = str(refusal.value)
    assert jar.coordinates in message
    assert jar.sha256 in message
    assert "Delete the file" in message


def test_the_lock_names_one_version_of_each_jar_and_no_address() -> None:
    jars = read_lock()
    names = [(jar.group_id, jar.artifact_id) for jar in jars]
    kafka = {jar.version for jar in jars if jar.group_id == "org.apache.kafka"}
    assert len(set(names)) == len(names)
    assert len(kafka) == 1
    assert not [jar for jar in jars if "/" in f"{jar.coordinates}{jar.file_name}"]


async def test_two_stacks_run_side_by_side(stack: LocalStack) -> None:
    async with embedded_stack() as other:
        assert (other.bootstrap, other.database_url) != (stack.bootstrap, stack.database_url)
        async with connected(other.database_url) as connection:
            await connection.execute("CREATE TABLE only_here ()")
        await create_topic(other.bootstrap, "only-here")
        async with connected(stack.database_url) as connection:
            assert await connection.fetchval("SELECT to_regclass('only_here')") is None
        admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
        try:
            await admin.start()
            assert "only-here" not in await admin.list_topics()
        finally:
            await admin.close()


def test_servers_die_with_an_owner_that_is_killed_and_their_files_are_swept() -> None:
    with subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", OWNER_OF_A_STACK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder, *pids = owner.stdout.readline().split()
        handles = [os.pidfd_open(int(pid)) for pid in pids]
        owner.send_signal(signal.SIGKILL)
    try:
        assert len(handles) == 2
        for handle in handles:  # readable once its process has ended
            waiting = select.poll()
            waiting.register(handle, select.POLLIN)
            assert waiting.poll(GONE_WITHIN_MS)
    finally:
        for handle in handles:
            os.close(handle)
    assert Path(folder).exists()
    _sweep()
    assert not Path(folder).exists()


async def test_servers_outlive_the_thread_that_started_them() -> None:
    with folder_open_to_others() as folder:
        database = Database(folder)
        with ThreadPoolExecutor(max_workers=1) as thread:
            await asyncio.get_running_loop().run_in_executor(thread, lambda: asyncio.run(database.start()))
        try:
            async with connected(database.url) as connection:
                assert await connection.fetchval("SELECT 1") == 1
        finally:
            await database.stop()


@pytest.mark.parametrize("ending", ["stop", "immediate", "kill"])
async def test_a_database_keeps_what_it_committed_and_its_address(ending: str) -> None:
    with folder_open_to_others() as folder:
        database = Database(folder)
        try:
            await database.start()
            url = database.url
            async with connected(url) as connection:
                await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            await (database.kill() if ending == "kill" else database.stop(immediate=ending == "immediate"))
            assert database.pid is None
            await database.start()
            assert database.url == url
            async with connected(url) as connection:
                assert await connection.fetchval("SELECT number FROM kept") == 7
        finally:
            await database.stop()


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running() -> None:
    with folder_open_to_others() as folder, socket.socket() as squatter:
        database = Database(folder)
        squatter.bind(("127.0.0.1", database.port))
        with pytest.raises(LocalStackError, match="PostgreSQL ended while starting") as failure:
            await database.start()
        assert "Address already in use" in str(failure.value)
        assert database.pid is None


async def test_three_brokers_serve_on_when_one_is_killed_and_take_it_back() -> None:
    async with embedded_stack(nodes=3) as cluster:
        assert cluster.broker is not None
        await create_topic(cluster.bootstrap, "replicated", replicas=3)
        await cluster.broker.kill_node(2)
        await publish(cluster.bootstrap, "replicated", b"with two of three")
        await cluster.broker.start_node(2)
        assert len(cluster.broker.pids) == 3
        await cluster.broker.stop_node(1)
        assert await first_record(cluster.bootstrap, "replicated") == (b"payment", b"with two of three")


def test_a_chosen_folder_is_kept_and_served_again_to_one_at_a_time() -> None:
    with folder_open_to_others() as folder:
        with running_stack(folder) as stack:
            asyncio.run(create_topic(stack.bootstrap, "kept"))
            asyncio.run(publish(stack.bootstrap, "kept", b"from before"))
            with pytest.raises(LocalStackError, match="in use by another stack"), running_stack(folder):
                pass
        with running_stack(folder) as again:
            assert asyncio.run(first_record(again.bootstrap, "kept")) == (b"payment", b"from before")


async def test_servers_named_in_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "broker.example:9092")
    monkeypatch.setenv("DATABASE_URL", "postgresql://hub@database.example/hub")
    async with local_stack() as stack:
        assert stack == LocalStack("broker.example:9092", "postgresql://hub@database.example/hub")


@pytest.mark.parametrize("alone", ["KAFKA_BOOTSTRAP", "DATABASE_URL"])
async def test_one_address_without_the_other_is_refused(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv(alone, "anything")
    with pytest.raises(LocalStackError, match="set both, or neither"):
        async with local_stack():
            pass


async def test_an_unknown_kind_of_stack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLAJ_TEST_STACK", "vagrant")
    with pytest.raises(LocalStackError, match="it may be embedded"):
        async with local_stack():
            pass
