"""A small application behind the edge's access control, for tests of the control itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any

import asyncpg
import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse

from agents.pool import open_pool
from infra.gateway import problems
from infra.gateway.access.caller import Caller, authorized
from infra.gateway.access.opening import Access, open_access
from infra.gateway.access.recorder import AccessRecorder, about
from infra.gateway.problems import Problem
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from schemas.access import ACCESS_EVENTS, AccessEvent
from streams.codec import decode
from streams.reader import replay

MODELS = {model.type: model for model in ACCESS_EVENTS}
Reader = Annotated[Caller, Depends(authorized("payments:read"))]


@dataclass
class Edge:
    settings: Settings
    pool: asyncpg.Pool
    access: Access
    client: httpx.AsyncClient


def application(access: Access) -> FastAPI:
    """Routes of each kind: guarded, open, failing, streaming, outside of the versions."""
    app = FastAPI()
    app.state.parts = SimpleNamespace(authenticator=access.authenticator, access=access)
    problems.install(app)
    app.add_middleware(AccessRecorder)

    @app.get("/v1/commands/{command_id}")
    async def command(command_id: str, caller: Reader) -> dict[str, str]:
        return {"command_id": command_id, "caller": caller.id}

    @app.post("/v1/commands")
    async def order(request: Request, caller: Annotated[Caller, Depends(authorized("payments:write"))]) -> None:
        sent = await request.json()
        about(request, integration_id=sent["integration_id"])
        if not caller.may_use(sent["integration_id"]):
            raise Problem(403, "forbidden", "another's integration")

    @app.get("/v1/failing")
    async def failing(caller: Reader) -> None:
        raise RuntimeError(caller.id)

    @app.get("/v1/streaming")
    async def streaming(caller: Reader) -> StreamingResponse:
        async def words() -> AsyncIterator[bytes]:
            yield caller.id.encode()
            yield str(access.log.waiting).encode()

        return StreamingResponse(words())

    @app.get("/v1/payments/{payment_id}/return")
    async def shopper(payment_id: str) -> str:
        return payment_id

    @app.get("/health/live")
    async def live() -> None:
        return None

    return app


@asynccontextmanager
async def running_edge(
    environment: dict[str, str], changed: Callable[[Access], Access] = lambda access: access
) -> AsyncIterator[Edge]:
    """Access control over these stores, with the application before it; what was recorded is sent after the block."""
    settings = read_settings(environment=environment)
    await prepare_stores(settings)
    async with await open_pool(settings.database_url.get_secret_value()) as pool, open_access(settings, pool) as access:
        transport = httpx.ASGITransport(application(changed(access)), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            yield Edge(settings, pool, access, client)


async def recorded(settings: Settings) -> list[tuple[str, AccessEvent, Any]]:
    """What lies in the topic of accesses: key, event and the record itself."""
    found = []
    async for record in replay(settings.kafka, settings.topics.access_events.name):
        event = decode(MODELS, record.key, record.value, record.readable_headers).body
        found.append(((record.key or b"").decode(), event, record))
    return found
