"""The record of accesses on real stores: complete, without secrets, and never left out."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from infra.gateway.access.access_log import AccessLog
from infra.gateway.access.key_changes import ApiKeys
from infra.gateway.access.key_text import mint
from infra.gateway.access.log_records import teller
from infra.gateway.process import run_gateway
from infra.local import LocalStack
from infra.local.process import free_ports
from infra.settings import read_settings
from schemas.access import AccessRefused, AccessRequested, AccessUnproved, KeyCreated, KeyRevoked, KeyRotated
from streams.kafka import KafkaAccess
from tests.access import a_grant, an_api_key, bearing
from tests.edge import Edge, recorded, running_edge
from tests.master_keys import a_master_key
from tests.stack import fresh_name
from tests.token_issuer import running_issuer

MASTER = a_master_key().get_secret_value()


@pytest.fixture
def environment(stack: LocalStack, database_url: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": stack.bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": fresh_name("t"),
        "KOLAJ_PARTITIONS": "2",
        "KOLAJ_GATEWAY_RATE": "100000/second",
        "INTEGRATION_ENCRYPTION_KEY": MASTER,
    }


async def asked(edge: Edge, headers: Mapping[str, str], path: str, times: int = 1) -> list[httpx.Response]:
    return list(await asyncio.gather(*(edge.client.get(path, headers=headers) for _ in range(times))))


async def test_every_answered_request_of_callers_is_in_the_topic_after_the_drain(environment: dict[str, str]) -> None:
    async with running_edge(environment) as edge:
        reader, text = await an_api_key(edge.pool, a_grant("payments:read"))
        writer, other = await an_api_key(edge.pool, a_grant("payments:write", integrations=("iyzico-main",)))
        command = uuid4()
        paths = [f"/v1/commands/{command}?card=5528790000000008", "/v1/commands/x", "/v1/failing", "/v1/streaming"]
        orders = [
            edge.client.post("/v1/commands", headers=bearing(other), json={"integration_id": name, "secret": "sesame"})
            for name in ("iyzico-main", "iyzico-other")
            for _ in range(50)
        ]
        answers = await asyncio.gather(
            *(edge.client.get(path, headers=bearing(text)) for path in paths for _ in range(100)),
            *(edge.client.get(paths[0], headers=bearing(other)) for _ in range(50)),
            *orders,
        )
        statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {200: 350, 500: 100, 403: 100}
    events = [event for _, event, _ in await recorded(edge.settings) if isinstance(event, AccessRequested)]
    read = Counter((e.caller, e.key, e.route, e.status, e.outcome, e.command_id) for e in events if e.method == "GET")
    by_reader, by_writer = (f"key:{key.prefix}" for key in (reader, writer))
    assert read == {
        (by_reader, reader.prefix, "/v1/commands/{command_id}", 200, "allowed", command): 100,
        (by_reader, reader.prefix, "/v1/commands/{command_id}", 200, "allowed", None): 100,
        (by_reader, reader.prefix, "/v1/failing", 500, "allowed", None): 100,
        (by_reader, reader.prefix, "/v1/streaming", 200, "allowed", None): 100,
        (by_writer, writer.prefix, "/v1/commands/{command_id}", 403, "forbidden", command): 50,
    }
    written = Counter((e.route, e.outcome, e.scope, e.integration_id) for e in events if e.method == "POST")
    assert written == {
        ("/v1/commands", "allowed", "payments:write", "iyzico-main"): 50,
        ("/v1/commands", "forbidden", "payments:write", "iyzico-other"): 50,
    }
    assert {key for key, event, _ in await recorded(edge.settings) if isinstance(event, AccessRequested)} == {
        by_reader,
        by_writer,
    }


async def test_neither_key_nor_token_nor_query_nor_body_is_recorded(environment: dict[str, str]) -> None:
    async with running_issuer() as issuer, running_edge({**environment, **issuer.environment}) as edge:
        _, text = await an_api_key(edge.pool)
        wrong, token = mint(), issuer.token()
        for credential in (text, wrong, token, token[:-4]):
            await asked(edge, bearing(credential), "/v1/commands/paid?note=sesame")
        await edge.client.post("/v1/commands", headers=bearing(text), json={"integration_id": "a", "note": "sesame"})
    found = await recorded(edge.settings)
    assert {type(event) for _, event, _ in found} == {AccessRequested, AccessRefused}
    held = b" ".join(b" ".join((r.key or b"", r.value or b"", repr(r.headers).encode())) for _, _, r in found)
    signature = token.rpartition(".")[2]
    for secret in (text.rpartition("_")[2], wrong.rpartition("_")[2], signature[:20], "sesame", "paid"):
        assert secret.encode() not in held


async def test_a_flood_of_strangers_becomes_a_few_records(environment: dict[str, str]) -> None:
    async with running_edge(environment) as edge:
        revoked, ended = await an_api_key(edge.pool)
        await ApiKeys(edge.pool, teller(edge.settings)).revoke(revoked.prefix, by="a test", at=datetime.now(UTC))
        for headers, path, times in (
            ({}, "/v1/commands/x", 200),
            (bearing("kolaj_sk_short"), "/v1/commands/x", 40),
            (bearing(mint()), "/v1/commands/x", 30),
            (bearing(ended), "/v1/commands/x", 20),
            ({}, "/v1/no-such-path", 10),
            ({}, "/v1/payments/p-1/return", 5),
            ({}, "/health/live", 5),
        ):
            await asked(edge, headers, path, times)
    found = [(key, event) for key, event, _ in await recorded(edge.settings)]
    refused = {(key, e.why): e.times for key, e in found if isinstance(e, AccessRefused)}
    assert refused == {
        ("nobody", "missing"): 200,
        ("nobody", "malformed"): 40,
        ("nobody", "unknown"): 30,
        (revoked.caller_id, "revoked"): 20,
        ("nobody", "no_route"): 10,
    }
    [shopper] = [event for _, event in found if isinstance(event, AccessUnproved)]
    assert (shopper.route, shopper.status, shopper.times) == ("/v1/payments/{payment_id}/return", 200, 5)
    assert len(found) == 7


async def test_who_asks_too_often_is_told_when_to_come_back_and_that_is_recorded(environment: dict[str, str]) -> None:
    async with running_edge({**environment, "KOLAJ_GATEWAY_RATE": "3/hour"}) as edge:
        key, text = await an_api_key(edge.pool)
        other, more = await an_api_key(edge.pool, a_grant(rate="1000/hour"))
        answers = [await edge.client.get("/v1/commands/x", headers=bearing(text)) for _ in range(5)]
        [free] = await asked(edge, bearing(more), "/v1/commands/x")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["RateLimit"].partition(";t=")[0] for answer in answers] == [
        f'"caller";r={left}' for left in (2, 1, 0, 0, 0)
    ]
    last = answers[-1]
    assert last.headers["RateLimit-Policy"] == '"caller";q=3;w=3600'
    assert last.headers["RateLimit"] == f'"caller";r=0;t={last.headers["Retry-After"]}'
    assert 1 <= int(last.headers["Retry-After"]) <= 3600
    assert last.headers["content-type"] == "application/problem+json"
    assert (free.status_code, free.headers["RateLimit-Policy"]) == (200, '"caller";q=1000;w=3600')
    outcomes = Counter(
        (e.caller, e.outcome) for _, e, _ in await recorded(edge.settings) if isinstance(e, AccessRequested)
    )
    assert outcomes == {(key.caller_id, "allowed"): 3, (key.caller_id, "limited"): 2, (other.caller_id, "allowed"): 1}


async def test_a_record_is_there_before_the_answers_first_byte(environment: dict[str, str]) -> None:
    async with running_edge(environment) as edge:
        _, text = await an_api_key(edge.pool)
        [answer] = await asked(edge, bearing(text), "/v1/streaming")
        events = [event for _, event, _ in await recorded(edge.settings)]
        # Waiting to be sent while the answer goes out, or in the topic already.
        assert answer.content.endswith(b"1") or any(isinstance(event, AccessRequested) for event in events)


@asynccontextmanager
async def way_to(address: str, port: int) -> AsyncIterator[None]:
    """Leads from a port to a broker, which names its own address to whoever comes by it."""
    host, _, there = address.rpartition(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(there))

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while part := await source.read(65536):
                target.write(part)
                await target.drain()
            target.close()

        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(pass_on, "127.0.0.1", port):
        yield


async def test_what_cannot_be_recorded_is_not_answered_and_what_was_answered_is_recorded_later(
    environment: dict[str, str], stack: LocalStack
) -> None:
    [port] = free_ports(1)
    log = AccessLog(KafkaAccess(f"127.0.0.1:{port}"), capacity=20, pause_s=0.05)
    async with running_edge(environment, lambda access: replace(access, log=log)) as edge, log.running():
        _, text = await an_api_key(edge.pool)
        answers = [await edge.client.get("/v1/commands/x", headers=bearing(text)) for _ in range(30)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [503] * 10
        assert answers[-1].json()["type"] == "urn:kolaj:problem:unavailable"
        assert "Retry-After" in answers[-1].headers
        # Strangers are not answered either, and what is no part of the API goes on.
        assert (await edge.client.get("/v1/commands/x")).status_code == 503
        assert (await edge.client.get("/health/live")).status_code == 200
        async with way_to(stack.bootstrap, port), asyncio.timeout(60):
            await log.sent()
            answers += await asked(edge, bearing(text), "/v1/commands/x", 7)
            await log.sent()
    assert [answer.status_code for answer in answers[30:]] == [200] * 7
    events = [event for _, event, _ in await recorded(edge.settings) if isinstance(event, AccessRequested)]
    assert len(events) == 27


async def test_a_process_that_ends_by_a_failure_sends_what_it_recorded_too(environment: dict[str, str]) -> None:
    async def failing() -> None:
        async with running_edge(environment) as edge:
            _, text = await an_api_key(edge.pool)
            await asked(edge, bearing(text), "/v1/commands/x", 40)
            raise RuntimeError("something else failed")

    with pytest.raises(ExceptionGroup):
        await failing()
    assert len(await recorded(read_settings(environment=environment))) == 40


async def test_what_people_do_to_keys_is_recorded_without_the_keys(environment: dict[str, str]) -> None:
    async with running_edge(environment) as edge:
        keys, at = ApiKeys(edge.pool, teller(edge.settings)), datetime.now(UTC)
        made, first = await keys.create(a_grant("payments:read", rate="5/minute"), by="Işıl", at=at)
        _, new, second = await keys.rotate(made.prefix, overlap_s=60, expires_at=None, by="Çağrı", at=at)
        await keys.revoke(new.prefix, by="Işıl", at=at + timedelta(seconds=1))
    found = await recorded(edge.settings)
    created, rotated, revoked = (event for _, event, _ in found)
    assert isinstance(created, KeyCreated)
    assert (created.key, created.scopes, created.rate, created.created_by) == (
        made.prefix, ("payments:read",), "5/minute", "Işıl",
    )  # fmt: skip
    assert isinstance(rotated, KeyRotated)
    assert isinstance(revoked, KeyRevoked)
    assert {key for key, _, _ in found} == {made.caller_id}
    held = b"".join(record.value or b"" for _, _, record in found)
    assert not [text for text in (first, second) if text.rpartition("_")[2].encode() in held]


async def test_a_gateway_sends_what_it_recorded_before_it_ends(environment: dict[str, str]) -> None:
    settings = read_settings(environment={**environment, "KOLAJ_GATEWAY_BIND": "127.0.0.1:0"})
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()

    def ready(base_url: str, metrics_url: str | None = None) -> None:
        del metrics_url
        listening.set_result(base_url)

    async with asyncio.TaskGroup() as tasks, httpx.AsyncClient(timeout=30) as client:
        tasks.create_task(run_gateway(settings, stop, on_ready=ready))
        async with asyncio.timeout(60):
            answer = await client.get(f"{await listening}/v1/nothing-is-here", headers=bearing(mint()))
        stop.set()
    assert answer.status_code == 404
    [(_, event, _)] = await recorded(settings)
    assert isinstance(event, AccessRefused)
    assert (event.why, event.times) == ("no_route", 1)
    assert event.process.endswith(str(os.getpid()))
