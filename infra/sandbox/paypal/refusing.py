"""How PayPal says no: an HTTP status, a name, and issues. Source: the published OpenAPI files, error schemas."""

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Json = dict[str, Any]

MESSAGES: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "INVALID_REQUEST": (400, "Request is not well-formed, syntactically incorrect, or violates schema."),
        "AUTHENTICATION_FAILURE": (
            401,
            "Authentication failed due to missing authorization header, or invalid authentication credentials.",
        ),
        "NOT_AUTHORIZED": (403, "Authorization failed due to insufficient permissions."),
        "RESOURCE_NOT_FOUND": (404, "The specified resource does not exist."),
        "RESOURCE_CONFLICT": (409, "The server has detected a conflict while processing this request."),
        "UNSUPPORTED_MEDIA_TYPE": (415, "The server does not support the request payload's media type."),
        "UNPROCESSABLE_ENTITY": (
            422,
            "The requested action could not be performed, semantically incorrect, or failed business validation.",
        ),
        "RATE_LIMIT_REACHED": (429, "Too many requests. Blocked due to rate limiting."),
        "INTERNAL_SERVER_ERROR": (500, "An internal server error occurred."),
    }
)


class Refused(Exception):
    """A request that is answered with an error; what it had written is undone."""

    def __init__(
        self, name: str, issue: str = "", *, field: str = "", description: str = "", links: tuple[Json, ...] = ()
    ) -> None:
        super().__init__(f"{name} {issue}")
        self.status, self._message = MESSAGES[name]
        self.name = name
        self._details: list[Json] = []
        self._links = links
        if issue:
            told = {"field": field, "issue": issue, "description": description or issue.replace("_", " ").capitalize()}
            self._details.append({key: value for key, value in told.items() if value})

    def body(self) -> Json:
        """The answer's JSON, with a `debug_id` of its own."""
        found: Json = {"name": self.name, "message": self._message, "debug_id": secrets.token_hex(7)}
        if self._details:
            found["details"] = self._details
        return found | ({"links": list(self._links)} if self._links else {})


def invalid(issue: str, field: str, description: str = "") -> Refused:
    """A request that is written wrongly (400)."""
    return Refused("INVALID_REQUEST", issue, field=field, description=description)


def unprocessable(issue: str, description: str = "", *, field: str = "", links: tuple[Json, ...] = ()) -> Refused:
    """A request that cannot be performed (422)."""
    return Refused("UNPROCESSABLE_ENTITY", issue, field=field, description=description, links=links)


def not_found() -> Refused:
    """Nothing has this id (404)."""
    return Refused("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", description="Specified resource ID does not exist.")


def not_permitted() -> Refused:
    """The account may not do this (403)."""
    return Refused("NOT_AUTHORIZED", "PERMISSION_DENIED", description="You do not have permission to do this.")
