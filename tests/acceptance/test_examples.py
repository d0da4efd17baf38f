"""The examples for other services, each run as a process of its own against a running hub."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.jars import class_path
from schemas.envelope import REPUBLISHED
from schemas.ids import created_at, result_id
from schemas.payments import PaymentCreated, StoredCard
from streams.publisher import partition_of
from streams.reader import replay
from streams.records import RawRecord
from tests.builders import a_capture_payment, a_create_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub
from tests.stack import fresh_database

EXAMPLES = Path(__file__).parents[2] / "infra" / "examples"
SHOP = EXAMPLES / "python" / "publish_and_consume.py"
OUTBOX = EXAMPLES / "python" / "outbox.py"
JAVA_SHOP = EXAMPLES / "java" / "PublishAndConsume.java"
CUSTOMER = "sandbox-wallet"
CARD = "card-akbank-credit"
DECLINED_CARD = "card-declined-10051"


@dataclass(frozen=True)
class Done:
    """How an example ended; `told` is the JSON object of its last line."""

    code: int
    output: str
    errors: str

    @property
    def told(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(self.output.splitlines()[-1])
        return told


async def run(*command: str | Path, text: str = "") -> Done:
    process = await start(*command)
    try:
        async with asyncio.timeout(90):
            output, errors = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(process.returncode or 0, output.decode(), errors.decode())


async def start(*command: str | Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*map(str, command), stdin=pipe, stdout=pipe, stderr=pipe)


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest.fixture(scope="module")
def java() -> str:
    found = shutil.which("java")
    assert found, "a Java development kit, 17 or newer, is needed: the example for Java services is run with it"
    return found


def python_shop(hub: Hub, state: Path, *more: str, card: str = CARD) -> tuple[str | Path, ...]:
    where = ("--bootstrap", hub.settings.bootstrap, "--prefix", hub.settings.topic_prefix, "--state", str(state))
    method = ("--integration", INTEGRATION, "--card-token", card, "--customer-key", CUSTOMER)
    return (sys.executable, SHOP, *where, *method, *more)


async def commands_of(hub: Hub, command_id: UUID) -> list[RawRecord]:
    """Every record of the command topic with this id."""
    topic = hub.settings.topics.payment_commands.name
    wanted = str(command_id)
    return [record async for record in replay(hub.settings.kafka, topic) if record.text("ce_id") == wanted]


def charges_of(hub: Hub, created: PaymentCreated) -> int:
    """How often the sandbox charged under the reference that the hub sent."""
    assert created.performed is not None
    assert created.performed.our_reference is not None
    return hub.sandbox.books.totals().charges_by_conversation[created.performed.our_reference]


async def the_payment(hub: Hub, done: Done) -> PaymentCreated:
    command_id = UUID(str(done.told["command_id"]))
    result = (await hub.results([command_id]))[command_id]
    assert isinstance(result, PaymentCreated)
    return result


async def test_the_python_example_pays_and_reads_its_result(hub: Hub, tmp_path: Path) -> None:
    done = await run(*python_shop(hub, tmp_path / "state"))
    assert done.code == 0, done.errors
    assert (done.told["type"], done.told["verdict"], done.told["handled"]) == ("payments.created.v1", "accepted", True)
    paid = await the_payment(hub, done)
    assert (paid.paid_price.minor, paid.paid_price.currency) == (24990, "TRY")
    assert charges_of(hub, paid) == 1
    assert created_at(paid.command_id) is not None, "the example's ids are UUIDs of version 7"


async def test_the_python_example_tells_of_a_declined_card(hub: Hub, tmp_path: Path) -> None:
    done = await run(*python_shop(hub, tmp_path / "state", card=DECLINED_CARD))
    assert done.code == 1, done.errors
    assert (done.told["verdict"], done.told["reason"]) == ("refused", "insufficient_funds")


async def test_the_python_example_handles_a_result_once_when_it_publishes_a_command_again(
    hub: Hub, tmp_path: Path
) -> None:
    first = await run(*python_shop(hub, tmp_path / "state"))
    command_id = str(first.told["command_id"])
    again = await run(*python_shop(hub, tmp_path / "state", "--again", command_id))
    assert again.code == 0, again.errors
    assert again.told == {**first.told, "handled": False}
    result = str(result_id(UUID(command_id)))
    copies = [record.header(REPUBLISHED) for record in hub.records if record.text("ce_id") == result]
    assert copies == [None, b"1"]
    assert charges_of(hub, await the_payment(hub, first)) == 1


async def test_the_python_example_says_when_its_record_was_not_taken(hub: Hub, tmp_path: Path) -> None:
    # The topic is right and the contract is not: an integration id has no capitals.
    command = [part if part != INTEGRATION else "NOT-AN-ID" for part in python_shop(hub, tmp_path / "state")]
    done = await run(*command)
    assert done.code == 1, done.errors
    assert (done.told["verdict"], done.told["reason"]) == ("rejected", "invalid_field")


async def test_the_java_example_pays_and_reads_its_result(hub: Hub, java: str) -> None:
    kafka_clients = await asyncio.to_thread(class_path)
    launch = (java, "-Dfile.encoding=UTF-8", "-cp", kafka_clients, JAVA_SHOP)
    done = await run(*launch, hub.settings.bootstrap, hub.settings.topic_prefix, INTEGRATION, CARD, CUSTOMER)
    assert done.code == 0, done.errors
    assert done.told["type"] == "payments.created.v1"
    paid = await the_payment(hub, done)
    assert charges_of(hub, paid) == 1
    (command,) = await commands_of(hub, paid.command_id)
    assert command.key is not None
    assert command.partition == partition_of(command.key, hub.settings.partitions)
    assert json.loads(command.value or b"")["buyer"]["name"] == "Işıl"


@dataclass(frozen=True)
class Shop:
    """A service's own database, and how to run the outbox on it."""

    hub: Hub
    url: str
    connection: asyncpg.Connection

    def command(self, action: str, *arguments: str) -> tuple[str | Path, ...]:
        return (sys.executable, OUTBOX, "--database-url", self.url, action, *arguments)

    def relay(self, *more: str) -> tuple[str | Path, ...]:
        where = ("--bootstrap", self.hub.settings.bootstrap, "--prefix", self.hub.settings.topic_prefix)
        return self.command("relay", *where, *more)

    async def place(self, body: str, command_type: str = "payments.create.v1") -> UUID:
        done = await run(*self.command("place", "--type", command_type), text=body)
        assert done.code == 0, done.errors
        return UUID(str(done.told["command_id"]))

    async def waiting(self) -> list[UUID]:
        rows = await self.connection.fetch("select command_id from hub_outbox where published_at is null")
        return [UUID(str(row["command_id"])) for row in rows]


@pytest_asyncio.fixture
async def shop(hub: Hub, stack: LocalStack) -> AsyncIterator[Shop]:
    async with fresh_database(stack.database_url) as url:
        connection = await asyncpg.connect(url)
        try:
            made = Shop(hub, url, connection)
            done = await run(*made.command("setup"))
            assert done.code == 0, done.errors
            yield made
        finally:
            await connection.close()


def a_creation(**changed: Any) -> str:
    method = StoredCard(kind="stored_card", card_token=CARD, customer_key=CUSTOMER)
    return a_create_payment(integration_id=INTEGRATION, method=method, **changed).model_dump_json(exclude_none=True)


async def test_the_outbox_publishes_commands_of_a_payment_in_the_order_they_were_written(shop: Shop) -> None:
    creation = a_creation(capture="manual")
    payment_id = UUID(json.loads(creation)["payment_id"])
    capture = a_capture_payment(payment_id, lira("12.50")).model_dump_json(exclude_none=True)
    ids = [await shop.place(creation), await shop.place(capture, "payments.capture.v1")]
    done = await run(*shop.relay("--once"))
    assert done.code == 0, done.errors
    assert await shop.waiting() == []
    results = await shop.hub.results(ids)
    assert [results[command_id].verdict for command_id in ids] == ["accepted", "accepted"]


async def test_a_relay_killed_between_publishing_and_marking_charges_once(shop: Shop) -> None:
    command_id = await shop.place(a_creation())
    other = await asyncpg.connect(shop.url)
    holding = other.transaction()
    await holding.start()
    # Who holds the row keeps the relay from marking it, for as long as we like.
    await other.execute("select 1 from hub_outbox where command_id = $1 for update", command_id)
    relay = await start(*shop.relay())
    try:
        result = (await shop.hub.results([command_id]))[command_id]
        server_side = await blocked_relay(shop.connection)
    finally:
        relay.kill()
        await relay.communicate()
    # The server would end the statement of a client that is gone; a lost host would take it along.
    await shop.connection.fetchval("select pg_terminate_backend($1, 10000)", server_side)
    await holding.rollback()
    await other.close()
    assert await shop.waiting() == [command_id]
    assert len(await commands_of(shop.hub, command_id)) == 1

    done = await run(*shop.relay("--once"))
    assert done.code == 0, done.errors
    assert await shop.waiting() == []
    first, second = await commands_of(shop.hub, command_id)
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
    assert isinstance(result, PaymentCreated)
    await both_copies(shop.hub, command_id)
    assert charges_of(shop.hub, result) == 1


async def blocked_relay(connection: asyncpg.Connection) -> int:
    """The server process of the relay, once it waits for the row."""
    query = """
        select pid from pg_stat_activity
        where datname = current_database() and application_name = 'hub-outbox' and wait_event_type = 'Lock'
    """
    async with asyncio.timeout(20):
        # Nobody is told of a lock that is waited for; it is seen in the view alone.
        while (pid := await connection.fetchval(query)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return int(pid)


async def both_copies(hub: Hub, command_id: UUID) -> None:
    """Returns once the hub has answered the command a second time."""
    wanted = str(result_id(command_id))
    async with asyncio.timeout(30), hub._grown:
        await hub._grown.wait_for(lambda: sum(record.text("ce_id") == wanted for record in hub.records) == 2)
