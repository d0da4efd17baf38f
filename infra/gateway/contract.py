"""How routes say what the contract needs to know beyond their types: scopes, and the problems they end in."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from infra.gateway.problems import MEDIA_TYPE

BEARER: Final = "bearer"
PROBLEM: Final = "ProblemBody"

_SAID: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "No credentials, or none that are good.",
    HTTPStatus.FORBIDDEN: "The caller may not do this: a scope is missing, or the integration is not among its own.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or the caller may not see it.",
    HTTPStatus.CONFLICT: "It cannot be done as things stand; `detail` says what to do first.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not of a type that is read here.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the request is wrong; `errors` names the field and what to do.",
    HTTPStatus.TOO_MANY_REQUESTS: "Above the caller's limit; try again after `Retry-After` seconds.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A mistake of the hub's own. The same request may be sent again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A store is away, or the process stops: nothing was taken. Try again after "
    "`Retry-After` seconds.",
}

EVERYWHERE: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""The problems that any operation can end in; they are added to each."""

_RETRIED: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route for the problems of its own."""
    return {int(status): _problem(status) for status in statuses}


def operation(*scopes: str, **extra: Any) -> dict[str, Any]:
    """`openapi_extra` of a route that a caller with any one of these scopes may call."""
    return {"security": [{BEARER: [scope]} for scope in scopes] or [{BEARER: []}], **extra}


def _problem(status: HTTPStatus) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    said: dict[str, Any] = {"description": _SAID[status], "content": {MEDIA_TYPE: {"schema": schema}}}
    if status in _RETRIED:
        said["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        said["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return said
