"""An operation that will go says so, whatever it answers."""

from datetime import UTC, datetime

import httpx
from fastapi import FastAPI, Response

from infra.gateway import problems
from infra.gateway.deprecation import Deprecation, DeprecationHeaders
from infra.gateway.problems import Problem

OLD = Deprecation(datetime(2027, 1, 1, tzinfo=UTC), "https://hub.example/changes", datetime(2027, 12, 31, tzinfo=UTC))
OPEN_ENDED = Deprecation(datetime(2027, 1, 1, tzinfo=UTC), "https://hub.example/changes")


def an_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(DeprecationHeaders)

    @app.get("/old", **OLD.route())
    async def old() -> Response:
        return Response("fine")

    @app.get("/broken", **OPEN_ENDED.route())
    async def broken() -> None:
        raise Problem(422, "wrong", "wrong")

    @app.get("/new")
    async def new() -> None: ...

    return app


async def answer(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(an_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.get(path)


async def test_a_deprecated_operation_says_since_when_until_when_and_what_instead() -> None:
    told = (await answer("/old")).headers
    assert told["deprecation"] == "@1798761600"
    assert told["sunset"] == "Fri, 31 Dec 2027 00:00:00 GMT"
    assert told["link"].startswith('<https://hub.example/changes>; rel="deprecation"')


async def test_its_problems_say_so_too() -> None:
    refused = await answer("/broken")
    assert (refused.status_code, refused.headers["deprecation"]) == (422, "@1798761600")
    assert "sunset" not in refused.headers


async def test_another_operation_says_nothing() -> None:
    assert "deprecation" not in (await answer("/new")).headers


def test_the_contract_marks_it() -> None:
    paths = an_app().openapi()["paths"]
    assert paths["/old"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/new"]["get"]
