"""What stands around every request, over an application of a few routes."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from opentelemetry import trace
from pydantic import BaseModel

from infra.gateway import problems
from infra.gateway.edge import Edge

MOST = 1000
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


class Thing(BaseModel):
    name: str


class Gate:
    def __init__(self) -> None:
        self.entered = asyncio.Semaphore(0)
        self.open = asyncio.Event()


def an_app(gate: Gate) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(Edge, most_requests=2, most_bytes=MOST)

    async def wait() -> None:
        gate.entered.release()
        await gate.open.wait()

    app.add_api_route("/v1/wait", wait)
    app.add_api_route("/webhooks/wait", wait)
    app.add_api_route("/health/wait", wait)

    async def streamed() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            await wait()

        return StreamingResponse(pieces())

    app.add_api_route("/v1/stream", streamed)

    async def trace_id() -> str:
        return f"{trace.get_current_span().get_span_context().trace_id:032x}"

    async def mistake() -> None:
        raise ZeroDivisionError

    app.add_api_route("/v1/mistake", mistake)
    app.add_api_route("/v1/trace", trace_id)
    app.add_api_route("/webhooks/trace", trace_id)

    @app.post("/v1/things")
    async def things(thing: Thing) -> str:
        return thing.name

    return app


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest_asyncio.fixture
async def client(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app(gate), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as made:
        yield made


async def entered(gate: Gate, count: int) -> None:
    async with asyncio.timeout(30):
        for _ in range(count):
            await gate.entered.acquire()


async def test_callers_of_one_area_wait_for_no_others_and_health_for_nobody(
    client: httpx.AsyncClient, gate: Gate
) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(client.get("/v1/wait")) for _ in range(2)]
        await entered(gate, 2)
        busy = await client.get("/v1/trace")
        others = [tasks.create_task(client.get(path)) for path in ("/webhooks/wait", "/health/wait", "/health/wait")]
        others.append(tasks.create_task(client.get("/health/wait")))
        await entered(gate, 4)
        gate.open.set()
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert busy.json()["type"] == "urn:kolaj:problem:busy"
    assert {one.result().status_code for one in (*waiting, *others)} == {200}
    assert (await client.get("/v1/trace")).status_code == 200


async def test_an_answer_that_has_begun_leaves_its_place_to_others(gate: Gate) -> None:
    """On ASGI itself, since httpx hands an answer over only once it is whole."""
    app = an_app(gate)
    scope = {
        "type": "http", "method": "GET", "path": "/v1/stream", "raw_path": b"/v1/stream", "query_string": b"",
        "headers": [], "http_version": "1.1", "scheme": "http", "server": ("hub.test", 80), "client": ("10.0.0.1", 1),
        "root_path": "",
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        await gate.open.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        del message

    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(app({**scope}, receive, send))
            await entered(gate, 1)
        gate.open.set()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_long_is_that_also_where_a_model_is_read_from_it(
    client: httpx.AsyncClient, *, chunked: bool
) -> None:
    body = b'{"name": "' + b"x" * MOST + b'"}'

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 100):
            yield body[place : place + 100]

    answer = await client.post("/v1/things", content=pieces() if chunked else body)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.post("/v1/things", json={"name": "ş"})).json() == "ş"


async def test_a_trace_goes_on_from_services_and_not_from_strangers(client: httpx.AsyncClient) -> None:
    headers = {"traceparent": TRACEPARENT}
    assert (await client.get("/v1/trace", headers=headers)).json() == TRACE_ID
    assert (await client.get("/webhooks/trace", headers=headers)).json() == "0" * 32


async def test_a_mistake_of_ours_is_a_problem_too_and_says_nothing_of_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/mistake")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "division" not in answer.text
