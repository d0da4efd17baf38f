"""Problem details (RFC 9457): every answer that is no success says what is wrong, where, and what to do."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from schemas.errors import StoreError

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:kolaj:problem:"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETRY_S: Final = 5
"""After which a caller may try again where a store is away."""


class FieldProblem(BaseModel):
    """One field that is wrong: its dotted path in the body, or the name of a header or parameter, and what to do."""

    field: str
    detail: str


class ProblemBody(BaseModel):
    """What is sent. `type` is a fixed word for programs; `detail` is for people and never holds a value that came."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = Field(default_factory=list)


class Problem(Exception):
    """Ends a request. `word` is the last part of the problem's type, such as `invalid_field`."""

    def __init__(
        self,
        status: int,
        word: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        self.body = ProblemBody(
            type=_TYPES + word,
            title=word.replace("_", " ").capitalize(),
            status=status,
            detail=detail,
            errors=[FieldProblem(field=field, detail=said) for field, said in errors],
        )

    def response(self) -> JSONResponse:
        content = self.body.model_dump(mode="json", exclude_defaults=True)
        return JSONResponse(content, self.status, self.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have every failure of a route told as a problem."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, bad: RequestValidationError) -> JSONResponse:
        errors = [(_place(error["loc"]), str(error["msg"])) for error in bad.errors()]
        return Problem(422, "invalid_field", "the request does not fit the schema", errors=errors).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, bad: HTTPException) -> JSONResponse:
        if bad.status_code == HTTPStatus.BAD_REQUEST:
            # FastAPI's word (0.165) for a body that is no text, where one that is no JSON is told as invalid.
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not_json", "send the body as JSON in UTF-8").response()
        phrase = HTTPStatus(bad.status_code).phrase
        word = phrase.replace(" ", "_").replace("-", "_").translate(_LOWER)
        headers = dict(bad.headers or {})
        if bad.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed(app, request.scope))
        return Problem(bad.status_code, word, str(bad.detail), headers=headers).response()

    @app.exception_handler(Exception)
    async def _mistake(_: Request, bad: Exception) -> JSONResponse:
        # The server logs it: it goes on to it after this answer.
        del bad
        detail = "something went wrong here that is nobody's fault but ours; it was logged"
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail).response()

    @app.exception_handler(StoreError)
    async def _store(_: Request, failed: StoreError) -> JSONResponse:
        log.warning("a store is away, request refused", extra={"why": str(failed)})
        return unavailable().response()


def _allowed(app: FastAPI, scope: Scope) -> list[str]:
    """The methods of every route at this path; Starlette (1.10) names those of the first one alone."""
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.router.routes)
    ]


def unavailable() -> Problem:
    """Nothing was taken: Kafka or PostgreSQL does not answer."""
    detail = "a store does not answer, and nothing was taken; try again"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers={"Retry-After": str(RETRY_S)})


_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def _place(loc: Sequence[Any]) -> str:
    """`body.amount.minor` is told as `amount.minor`, a header or parameter by its name."""
    parts = [str(step) for step in loc]
    return ".".join(parts[1:] or parts)
