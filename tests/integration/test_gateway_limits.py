"""Callers that are slow, large, many or no HTTP at all, on real sockets; good calls go on beside them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.webhooks import WebhookReceived, WebhooksRefused
from tests.gateway import Gateway, gateway_environment, running_gateway
from tests.iyzico_calls import PATH, SECRET, a_call, iyzico_accounts
from tests.raw_http import raw, request

HEADER_S = 1.0
BODY_S = 2.0
CONNECTIONS = 30
MEBIBYTE = 1024 * 1024
FIRST_BYTES = b"POST /webhooks/iyzico-main HTTP/1.1\r\nHost: hub.test\r\n"


@pytest_asyncio.fixture(scope="module")
async def gateway(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Gateway]:
    limits = {
        "KOLAJ_GATEWAY_HEADER_S": str(HEADER_S),
        "KOLAJ_GATEWAY_BODY_S": str(BODY_S),
        "KOLAJ_GATEWAY_MAX_CONNECTIONS": str(CONNECTIONS),
    }
    accounts = iyzico_accounts({"iyzico-main": SECRET})
    environment = gateway_environment(stack.bootstrap, database_url, topic_prefix, **limits, **accounts)
    async with running_gateway(environment) as running:
        yield running


async def a_good_call_is_taken(gateway: Gateway) -> None:
    call = a_call()
    answer = await gateway.client.post(PATH, content=call.body, headers=call.headers)
    assert answer.status_code == 200


async def drip(port: int, first: bytes, drop: bytes) -> bytes:
    """Send `first` and then `drop` again and again until the other side has had enough; what it said."""
    async with raw(port) as caller:
        await caller.send(first)
        reading = asyncio.create_task(caller.rest())
        while not reading.done():
            await caller.send(drop)
            await asyncio.wait({reading}, timeout=0.1)
        return await reading


@pytest.mark.parametrize(
    ("first", "drop", "status"),
    [
        (b"POST /webhooks/iyz", b"y", b"HTTP/1.1 408 "),
        (FIRST_BYTES, b"X-Slow: 1\r\n", b"HTTP/1.1 408 "),
        (FIRST_BYTES + b"Content-Length: 1000\r\n\r\n", b"x", b"HTTP/1.1 408 "),
        (FIRST_BYTES + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"HTTP/1.1 408 "),
        (b"", b"\r\n", b"HTTP/1.1 408 "),
    ],
    ids=["request-line", "headers", "body", "chunks", "blanks"],
)
async def test_a_request_that_drips_in_is_cut_off_while_others_are_served(
    gateway: Gateway, first: bytes, drop: bytes, status: bytes
) -> None:
    slow = [asyncio.create_task(drip(gateway.port, first, drop)) for _ in range(5)]
    await a_good_call_is_taken(gateway)
    for said in await asyncio.gather(*slow):
        # What was sent into a connection that is closed already may take the answer with it.
        assert not said or said.startswith(status)
        assert not said or b'"urn:kolaj:problem:request_timeout"' in said


async def test_a_connection_on_which_nothing_comes_is_closed(gateway: Gateway) -> None:
    async with raw(gateway.port) as caller:
        assert await caller.rest() == b""


async def test_the_second_request_of_a_connection_has_its_deadline_too(gateway: Gateway) -> None:
    async with raw(gateway.port) as caller:
        await caller.send(request("/health/live", method="GET"))
        assert (await caller.answer())[0] == 200
        await caller.send(b"GET /health/li")
        assert (await caller.answer())[0] == 408


async def test_more_idle_connections_than_may_be_keep_nobody_out(gateway: Gateway) -> None:
    async with asyncio.TaskGroup() as tasks:
        holding = asyncio.Event()

        async def hold() -> None:
            async with raw(gateway.port):
                await holding.wait()

        for _ in range(3 * CONNECTIONS):
            tasks.create_task(hold())
        for _ in range(10):
            await a_good_call_is_taken(gateway)
        holding.set()


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
async def test_ten_mebibytes_are_refused_before_they_have_come(gateway: Gateway, *, chunked: bool) -> None:
    async with raw(gateway.port) as caller:
        if chunked:
            await caller.send(FIRST_BYTES + b"Transfer-Encoding: chunked\r\n\r\n")
            piece = b"%x\r\n" % MEBIBYTE + bytes(MEBIBYTE) + b"\r\n"
        else:
            await caller.send(FIRST_BYTES + b"Content-Length: %d\r\n\r\n" % (10 * MEBIBYTE))
            piece = bytes(MEBIBYTE)
        sending = asyncio.create_task(caller.send(piece))
        status, _, body = await caller.answer()
        assert status == 413
        assert b"iyzico" not in body
        await sending
        for _ in range(9):
            await caller.send(piece)
            await a_good_call_is_taken(gateway)


async def test_a_body_at_the_limit_is_looked_at(gateway: Gateway) -> None:
    most = gateway.settings.gateway_max_body
    for size, status in ((most, 401), (most + 1, 413)):
        body = b'{"a": "' + b"x" * (size - 9) + b'"}'
        assert len(body) == size
        answer = await gateway.client.post(PATH, content=body, headers={"x-iyz-signature-v3": "0" * 64})
        assert answer.status_code == status


async def test_who_asks_before_sending_too_much_is_told_without_sending(gateway: Gateway) -> None:
    async with raw(gateway.port) as caller:
        await caller.send(FIRST_BYTES + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (10 * MEBIBYTE))
        status, headers, _ = await caller.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert await caller.rest() == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /\r\nHost: a\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 101 + b"\r\n", 431),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n" * 30, 429),
    ],
)
async def test_what_is_no_request_is_told_so_and_the_connection_closed(
    gateway: Gateway, sent: bytes, status: int
) -> None:
    async with raw(gateway.port) as caller:
        await caller.send(sent)
        assert (await caller.answer())[0] == status
        await caller.rest()
    await a_good_call_is_taken(gateway)


async def test_some_requests_may_be_sent_at_once_and_are_answered_in_order(gateway: Gateway) -> None:
    calls = [a_call(event_id=f"pipelined-{number}") for number in range(4)]
    async with raw(gateway.port) as caller:
        await caller.send(
            b"".join(request(PATH, call.body, x_iyz_signature_v3=call.signature) for call in calls)
            + request("/health/live", method="GET")
        )
        answers = [await caller.answer() for _ in range(5)]
    assert [status for status, _, _ in answers] == [200] * 5
    assert answers[-1][2] == b'{"status":"alive"}'
    kept = {one.body.event_id for one in await gateway.webhooks(WebhookReceived)}
    assert {f"pipelined-{number}" for number in range(4)} <= kept


async def test_a_protocol_that_is_not_spoken_here_is_not_changed_to(gateway: Gateway) -> None:
    async with raw(gateway.port) as caller:
        await caller.send(request("/health/live", method="GET", Connection="Upgrade", Upgrade="websocket"))
        assert (await caller.answer())[0] == 200
        assert await caller.rest() == b""


async def test_what_was_refused_is_told_in_the_topic(gateway: Gateway) -> None:
    await gateway.client.post(PATH, content=bytes(gateway.settings.gateway_max_body + 1))
    await gateway.client.post("/webhooks/nobodys", content=b"{}")
    wanted = {("iyzico-main", "too_large"), ("nobodys", "unknown_integration")}
    async with asyncio.timeout(60):
        while True:
            told = {(one.body.integration_id, one.body.why) for one in await gateway.webhooks(WebhooksRefused)}
            if wanted <= told:
                break
            await asyncio.sleep(0.5)
