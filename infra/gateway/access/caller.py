"""Who calls, and what they may do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import Request

from infra.gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, proved.

    Attributes:
        id: for the log and for limits: `key:<prefix>` or `client:<subject>`; no secret.
        source: `ce_source` of what it publishes.
        scopes: such as `payments:write`.
        integrations: those that it may name and see; `None`: all.
    """

    id: str
    source: str
    scopes: frozenset[str]
    integrations: frozenset[str] | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def may_use(self, integration_id: str | None) -> bool:
        """Whether it may name, or see, what belongs to this integration; what belongs to none needs all of them."""
        return self.integrations is None or (integration_id is not None and integration_id in self.integrations)


class Authenticator(Protocol):
    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Who calls.

        Raises:
            Problem: 401 without or with wrong credentials, 429 with `Retry-After` above the caller's limit.
            StoreError: it cannot be told now.
        """
        ...


CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="kolaj"'}


def unauthorized(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=CHALLENGE)


def authorized(*scopes: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of routes: the caller, who has one of these scopes; without any, every caller who is known.

    Raises:
        Problem: 401, 403 or 429.
    """

    async def caller(request: Request) -> Caller:
        authenticator: Authenticator = request.app.state.parts.authenticator
        found = await authenticator.authenticate(request.headers)
        request.state.caller = found
        if scopes and not any(found.may(scope) for scope in scopes):
            detail = f"this caller lacks the scope {' or '.join(scopes)}; ask for a key or a token that has it"
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail)
        return found

    return caller


class Nobody:
    """Knows no caller."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        del headers
        raise unauthorized("no credentials are known here")
