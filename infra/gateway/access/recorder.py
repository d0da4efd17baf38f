"""Records every request of the versioned API, beside the routes: none has to remember it, and none can leave it out."""

import re
import time
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.log_records import record_of
from infra.gateway.access.opening import Access
from infra.gateway.access.standing import Standing
from infra.gateway.access.tally import METHODS, Refusal, Unproved
from infra.gateway.problems import unavailable
from schemas.access import AccessRequested
from schemas.base import IntegrationId
from schemas.ids import new_id

State: TypeAlias = dict[str, Any]

_VERSIONED: Final = re.compile(r"/v[0-9]+(/.*)?", re.DOTALL)
_SHOPPERS: Final = re.compile(r"/v1/payments/[^/]+/return")
"""Browsers on their way back from a bank, who prove nothing and see nothing: no outage strands them."""
_FAILED, _LEFT = 500, 499
"""No answer was begun: it failed, or the caller went away before (a word of nginx's)."""
_OUTCOMES: Final[dict[int, Literal["forbidden", "limited"]]] = {403: "forbidden", 429: "limited"}
_ID: Final = TypeAdapter(IntegrationId)


def about(request: Request, *, integration_id: str | None = None, command_id: UUID | None = None) -> None:
    """What a request is about, where it does not stand in its path; for the record."""
    request.state.about = {"integration_id": integration_id, "command_id": command_id}


class AccessRecorder:
    """ASGI middleware. The record is in the buffer before the first byte of the answer leaves.

    It holds the template of the route and never the path, the query or the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        access: Access | None = None
        if scope["type"] == "http" and _VERSIONED.fullmatch(scope["path"]):
            access = scope["app"].state.parts.access
        if access is None:
            await self._app(scope, receive, send)
        elif access.log.take_place():
            await self._recorded(access, scope, receive, send)
        elif _SHOPPERS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await unavailable().response()(scope, receive, send)

    async def _recorded(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        began, begun = time.monotonic(), False
        state: State = scope.setdefault("state", {})

        def record(status: int) -> None:
            nonlocal begun
            begun = True
            _record(access, scope, status, time.monotonic() - began)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and not begun:
                record(message["status"])
                standing: Standing | None = state.get("standing")
                if standing is not None:
                    MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        end = _LEFT
        try:
            await self._app(scope, receive, sending)
        except Exception:
            end = _FAILED
            raise
        finally:
            if not begun:
                record(end)


def _record(access: Access, scope: Scope, status: int, took_s: float) -> None:
    state: State = scope["state"]
    caller: Caller | None = state.get("caller")
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    route: str | None = getattr(scope.get("route"), "path", None)
    if caller is not None and route is not None:
        event = AccessRequested(
            caller=caller.id,
            key=caller.key,
            method=method,
            route=route,
            status=status,
            outcome=_OUTCOMES.get(status, "allowed"),
            scope=state.get("scope"),
            integration_id=_integration(scope),
            command_id=_command(scope),
            requested_at=access.now(),
            duration_ms=round(took_s * 1000),
        )
        access.log.add(record_of(access.topic, caller.id, new_id(), event, event.requested_at))
        return
    access.log.give_back()
    stranger: Stranger | None = state.get("stranger")
    if stranger is not None:
        access.tally.count(Refusal(stranger.why, stranger.caller))
    elif route is None:
        access.tally.count(Refusal("no_route"))
    else:
        access.tally.count(Unproved(method, route, status))


def _integration(scope: Scope) -> str | None:
    named = _named(scope, "integration_id")
    try:
        return None if named is None else _ID.validate_python(named)
    except ValidationError:
        return None


def _command(scope: Scope) -> UUID | None:
    named = _named(scope, "command_id")
    if named is None or isinstance(named, UUID):
        return named
    try:
        return UUID(str(named))
    except ValueError:
        return None


def _named(scope: Scope, name: str) -> Any:
    return scope["state"].get("about", {}).get(name) or scope.get("path_params", {}).get(name)
