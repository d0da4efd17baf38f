"""A gateway process and the worst that may happen: nothing is acknowledged that is not stored, and it does not die."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from infra.children import Children
from infra.local import LocalStack
from infra.local.broker import Broker
from infra.local.process import Process
from infra.settings import read_settings
from schemas.webhooks import WebhookReceived
from tests.gateway import gateway_environment, webhook_events
from tests.iyzico_calls import PATH, SECRET, SignedCall, a_call, iyzico_accounts
from tests.raw_http import raw, request
from tests.stack import fresh_database, fresh_name

OUTAGE_S = 15.0
LOOK_AGAIN_S = 0.1
PER_S = 20


@pytest_asyncio.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """One that nobody else uses, since it is killed."""
    own = Broker(tmp_path_factory.mktemp("kafka"))
    await own.start()
    try:
        yield own
    finally:
        await own.stop()


@dataclass
class Edge:
    """A gateway in a process of its own."""

    children: Children
    environment: dict[str, str]
    process: Process
    base_url: str
    metrics_url: str

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    async def start(self) -> None:
        """Once more, on another port."""
        self.process, said = await self.children.start(fresh_name("gateway"), ["gateway", "--json"])
        self.base_url, self.metrics_url = said["base_url"], said["metrics_url"]

    async def stored(self) -> Counter[str]:
        """How often each event lies in the topic."""
        settings = read_settings(environment=self.environment)
        return Counter(one.body.event_id for one in await webhook_events(settings, WebhookReceived))

    async def until_ready(self, *, ready: bool) -> None:
        async def is_so() -> bool:
            async with httpx.AsyncClient(base_url=self.base_url, timeout=30) as client:
                return ((await client.get("/health/ready")).status_code == 200) == ready

        await until(is_so)

    async def measured(self, name: str, label: str = "") -> float:
        """A figure of the page of metrics, over all that have this label; 0 while it is not there."""
        async with httpx.AsyncClient(timeout=30) as client:
            lines = (await client.get(f"{self.metrics_url}/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and label in line)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Another process tells nobody when."""
    async with asyncio.timeout(120):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN_S)


@asynccontextmanager
async def an_edge(bootstrap: str, database_url: str, folder: Path, **variables: str) -> AsyncIterator[Edge]:
    accounts = iyzico_accounts({"iyzico-main": SECRET})
    metrics = {"KOLAJ_GATEWAY_METRICS_BIND": "127.0.0.1:0"}
    environment = gateway_environment(bootstrap, database_url, fresh_name("t"), **{**accounts, **metrics, **variables})
    children = Children(folder, environment)
    try:
        process, said = await children.start(fresh_name("gateway"), ["gateway", "--json"])
        yield Edge(children, environment, process, said["base_url"], said["metrics_url"])
    finally:
        await children.stop()


def sent(call: SignedCall) -> bytes:
    return request(PATH, call.body, x_iyz_signature_v3=call.signature)


async def test_a_gateway_killed_between_receiving_and_storing_leaves_no_answer_and_one_event(
    broker: Broker, database_url: str, tmp_path: Path
) -> None:
    async with an_edge(broker.bootstrap, database_url, tmp_path) as edge:
        call = a_call(event_id="half-taken")
        await broker.kill_node(1)
        try:
            async with raw(edge.port) as provider:
                await provider.send(sent(call))

                async def is_held() -> bool:
                    return await edge.measured("kolaj_gateway_requests_active{", 'area="webhooks"') == 1

                await until(is_held)
                await edge.children.kill(edge.process)
                assert await provider.rest() == b""
        finally:
            await broker.start_node(1)
        await edge.start()
        async with raw(edge.port) as provider:
            await provider.send(sent(call))
            assert (await provider.answer())[0] == 200
        assert await edge.stored() == {"half-taken": 1}


async def test_while_kafka_is_away_nothing_is_acknowledged_that_is_not_stored(
    broker: Broker, database_url: str, tmp_path: Path
) -> None:
    taken: list[str] = []
    put_off: list[str] = []
    async with an_edge(broker.bootstrap, database_url, tmp_path) as edge:
        ending = asyncio.Event()

        async def more_are_taken() -> None:
            enough = len(taken) + 50

            async def is_so() -> bool:
                return len(taken) >= enough

            await until(is_so)

        async def provider(client: httpx.AsyncClient, number: int) -> None:
            """Calls one after another, each until it is taken."""
            count = 0
            while not ending.is_set():
                count += 1
                call = a_call(event_id=f"event-{number}-{count}")
                while True:
                    answer = await client.post(PATH, content=call.body, headers=call.headers)
                    if answer.status_code == 200:
                        taken.append(f"event-{number}-{count}")
                        break
                    assert answer.status_code == 503
                    assert answer.headers["retry-after"]
                    put_off.append(f"event-{number}-{count}")
                await asyncio.sleep(1 / PER_S)

        async with httpx.AsyncClient(base_url=edge.base_url, timeout=60) as client, asyncio.TaskGroup() as tasks:
            for number in range(10):
                tasks.create_task(provider(client, number))
            await more_are_taken()
            await broker.kill_node(1)
            await edge.until_ready(ready=False)
            await asyncio.sleep(OUTAGE_S)  # what is tested is a load through an outage of this length
            await broker.start_node(1)
            await more_are_taken()
            await edge.until_ready(ready=True)
            ending.set()
        assert edge.process.running
        stored = await edge.stored()
    assert put_off
    assert set(taken) - set(stored) == set(), "acknowledged and lost"


async def test_a_gateway_without_its_database_goes_on_taking_webhooks_and_says_that_it_is_not_ready(
    stack: LocalStack, tmp_path: Path
) -> None:
    async with (
        fresh_database(stack.database_url) as url,
        an_edge(stack.bootstrap, url, tmp_path) as edge,
        httpx.AsyncClient(base_url=edge.base_url, timeout=60) as client,
    ):
        connection = await asyncpg.connect(stack.database_url)
        name = url.rpartition("/")[2]
        try:
            await connection.execute(f'alter database "{name}" allow_connections false')
            await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
            await edge.until_ready(ready=False)
            call = a_call()
            assert (await client.post(PATH, content=call.body, headers=call.headers)).status_code == 200
            await connection.execute(f'alter database "{name}" allow_connections true')
            await edge.until_ready(ready=True)
        finally:
            await connection.close()


async def test_a_stopping_gateway_is_unready_first_and_lets_a_request_end(
    stack: LocalStack, database_url: str, tmp_path: Path
) -> None:
    async with an_edge(stack.bootstrap, database_url, tmp_path, KOLAJ_GATEWAY_UNREADY_S="5") as edge:
        call = a_call(event_id="during-the-drain")
        whole = sent(call)
        async with raw(edge.port) as provider, raw(edge.port) as late:
            await provider.send(whole[:-10])
            os.kill(edge.process.pid, signal.SIGTERM)
            await edge.until_ready(ready=False)
            other = a_call(event_id="while-unready")
            await late.send(sent(other))
            assert (await late.answer())[0] == 200
            await provider.send(whole[-10:])
            assert (await provider.answer())[0] == 200
        assert await edge.process.finished(60) == 0
        assert await edge.stored() == {"during-the-drain": 1, "while-unready": 1}


async def test_a_request_that_does_not_end_does_not_keep_a_gateway_from_stopping(
    stack: LocalStack, database_url: str, tmp_path: Path
) -> None:
    async with (
        an_edge(stack.bootstrap, database_url, tmp_path, KOLAJ_GATEWAY_DRAIN_S="1", KOLAJ_GATEWAY_BODY_S="600") as edge,
        raw(edge.port) as provider,
    ):
        await provider.send(sent(a_call())[:-10])
        os.kill(edge.process.pid, signal.SIGTERM)
        assert await edge.process.finished(60) == 0


async def test_metrics_are_told_at_an_address_of_their_own(
    stack: LocalStack, database_url: str, tmp_path: Path
) -> None:
    async with an_edge(stack.bootstrap, database_url, tmp_path) as edge:
        async with httpx.AsyncClient(base_url=edge.base_url, timeout=30) as client:
            for call, path in ((a_call(), PATH), (a_call(secret="guessed"), PATH), (a_call(), "/webhooks/nobodys")):
                await client.post(path, content=call.body, headers=call.headers)
            assert (await client.get("/metrics")).status_code == 404
        wanted = {
            ("kolaj_webhooks_received_total{", 'integration="iyzico-main"'): 1,
            ("kolaj_webhooks_refused_total{", 'integration="iyzico-main"'): 1,
            ("kolaj_webhooks_refused_total{", 'integration="unknown"'): 1,
            ("kolaj_gateway_requests_total{", 'status="4xx"'): 3,
            ("kolaj_gateway_request_duration_seconds_count", 'route="/webhooks/{integration_id}"'): 3,
            ("kolaj_webhooks_publish_duration_seconds_count", ""): 1,
        }
        assert {one: await edge.measured(*one) for one in wanted} == wanted
