"""Who calls, and what they may do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from fastapi import Request

from infra.gateway.access.standing import Standing
from infra.gateway.problems import Problem
from schemas.access import RefusedWhy
from schemas.errors import StoreError


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, proved.

    Attributes:
        id: for the log, for limits and for repeated requests: `key:<prefix>`, the prefix of the first key where keys
            were rotated, or `client:<id>`; no secret.
        source: `ce_source` of what it publishes.
        scopes: such as `payments:write`.
        integrations: those that it may name and see; `None`: all.
        rate: such as `20/second`, where it is not the setting's.
        key: the prefix of the very key that was shown.
    """

    id: str
    source: str
    scopes: frozenset[str]
    integrations: frozenset[str] | None = None
    rate: str | None = None
    key: str | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def may_use(self, integration_id: str | None) -> bool:
        """Whether it may name, or see, what belongs to this integration; what belongs to none needs all of them."""
        return self.integrations is None or (integration_id is not None and integration_id in self.integrations)


class Authenticator(Protocol):
    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Who calls.

        Raises:
            Stranger: without credentials or with wrong ones.
            StoreError: it cannot be told now.
        """
        ...


_CHALLENGE: Final = 'Bearer realm="kolaj"'
_SAID: Final = {
    "missing": "send an API key or an access token: `Authorization: Bearer ...`",
    "malformed": "this is no whole API key or token: a part of it is missing or mistyped",
}
_WRONG: Final = "the API key or token does not open anything here"


class Stranger(Problem):
    """401: the caller did not prove who it is. Whoever sends something whole is not told what is wrong with it.

    Attributes:
        why: for the log alone.
        caller: whose credentials they were, where they were once good.
    """

    def __init__(self, why: RefusedWhy, caller: str | None = None) -> None:
        challenge = _CHALLENGE if why == "missing" else f'{_CHALLENGE}, error="invalid_token"'
        headers = {"WWW-Authenticate": challenge}
        super().__init__(HTTPStatus.UNAUTHORIZED, "unauthorized", _SAID.get(why, _WRONG), headers=headers)
        self.why = why
        self.caller = caller


def authorized(*scopes: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of routes: the caller, who has one of these scopes and is within its rate.

    Without any scope, every caller who is known.

    Raises:
        Problem: 401, 403 or 429.
    """

    async def caller(request: Request) -> Caller:
        parts = request.app.state.parts
        request.state.scope = scopes[0] if scopes else None
        try:
            found: Caller = await parts.authenticator.authenticate(request.headers)
        except Stranger as stranger:
            request.state.stranger = stranger
            raise
        request.state.caller = found
        if parts.access is not None:
            standing: Standing = await parts.access.limits.take(found)
            request.state.standing = standing
            if not standing.within:
                raise standing.problem()
        if scopes and not any(found.may(scope) for scope in scopes):
            detail = f"this caller lacks the scope {' or '.join(scopes)}; ask for a key or a token that has it"
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail, headers={"WWW-Authenticate": challenge})
        request.state.scope = next((scope for scope in scopes if found.may(scope)), None)
        return found

    return caller


async def still_let_in(request: Request, scope: str) -> bool:
    """Whether who sent this request would be let in again; not while that cannot be told."""
    authenticator: Authenticator = request.app.state.parts.authenticator
    try:
        return (await authenticator.authenticate(request.headers)).may(scope)
    except (Problem, StoreError):
        return False


class Nobody:
    """Knows no caller."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        del headers
        raise Stranger("missing")
