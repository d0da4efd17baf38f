"""The HTTP contract as one OpenAPI 3.1 document, from the routes under `/v1`."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic.json_schema import models_json_schema

from infra.gateway.access.caller import Caller, authorized
from infra.gateway.contract import BEARER, EVERYWHERE, operation, problems
from infra.gateway.problems import ProblemBody
from schemas.payments.vocabulary import COMMANDS, EVENTS

PREFIX: Final = "/v1/"
PATH: Final = "/v1/openapi.json"

_INFO: Final = """\
Commands in, results and events out, for services that do not speak Kafka. A command that is accepted here lies on Kafka
and is performed once; what is told here is what lies there.

**Identity.** `Authorization: Bearer …` with an API key or an access token. Each operation names the scopes of which one
is needed.

**Once.** `Idempotency-Key` is the caller's own name for a command. The same key with the same body is the same command:
it is performed once, and every repetition is told the same id. So whatever went wrong on the way (a timeout, a 5xx),
send the same request again. The same key with another body is refused (`idempotency_key_reused`).

**Problems.** Whatever is no success is a problem of RFC 9457. `type` is for programs; `errors` names the fields. Take a
type that you do not know by its status.

**Growth.** Within `/v1` operations, optional parameters, optional fields, types of events and words of enumerations may
join. Pass over what you do not know. An operation that will go says so in the headers `Deprecation` (RFC 9745) and
`Sunset` (RFC 8594) first.
"""

router = APIRouter()


@router.get(
    PATH,
    operation_id="getContract",
    summary="This document.",
    tags=["contract"],
    response_model=dict[str, Any],
    openapi_extra=operation(),
)
async def tell(request: Request, caller: Annotated[Caller, Depends(authorized())]) -> JSONResponse:
    """The contract, to any caller who is known."""
    del caller
    app: FastAPI = request.app
    return JSONResponse(document(app))


def document(app: FastAPI) -> dict[str, Any]:
    """The contract of this application's routes."""
    written = get_openapi(
        title=app.title, version="1.0.0", description=_INFO, openapi_version="3.1.0", routes=app.routes
    )
    paths = {path: item for path, item in written["paths"].items() if path.startswith(PREFIX)}
    for item in paths.values():
        for described in item.values():
            described.setdefault("security", [{BEARER: []}])
            described["responses"] = _responses(_spoken(described["responses"]))
    schemas = {**written.get("components", {}).get("schemas", {}), **_models()}
    # FastAPI's own words for a request that does not fit; ours are problems.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return {
        "openapi": written["openapi"],
        "info": written["info"],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or an access token of OAuth 2.",
                }
            },
        },
    }


def _responses(own: dict[str, Any]) -> dict[str, Any]:
    told = {str(status): said for status, said in problems(*EVERYWHERE).items()}
    told.update((status, said) for status, said in own.items() if status not in told or _is_problem(said))
    return dict(sorted(told.items()))


def _is_problem(said: dict[str, Any]) -> bool:
    return any("problem" in media for media in said.get("content", {}))


def _spoken(responses: dict[str, Any]) -> dict[str, Any]:
    """Without `itemSchema`, which FastAPI writes for streams and OpenAPI has from 3.2 on."""
    for said in responses.values():
        for media in said.get("content", {}).values():
            media.pop("itemSchema", None)
    return responses


def _models() -> dict[str, Any]:
    models = [(model, "validation") for model in (*COMMANDS, *EVENTS, ProblemBody)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type] # the list's Literal is widened
    return dict(schemas["$defs"])
