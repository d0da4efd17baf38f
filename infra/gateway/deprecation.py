"""Telling callers in time that an operation will go: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STATE: Final = "kolaj.deprecation"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """An operation that callers should leave.

    Attributes:
        since: from when on it is deprecated, UTC.
        sunset: when it will be gone, at the earliest; `None` while that is not decided.
        link: where callers read what to do instead.
    """

    since: datetime
    link: str
    sunset: datetime | None = None

    def route(self) -> dict[str, Any]:
        """Arguments for the route: `@router.get(path, **deprecation.route())`."""
        return {"deprecated": True, "dependencies": [Depends(self._note())]}

    def headers(self) -> dict[str, str]:
        """What every answer of the operation carries, problems too."""
        links = [f'<{self.link}>; rel="deprecation"; type="text/html"']
        told = {"Deprecation": f"@{int(self.since.timestamp())}"}
        if self.sunset is not None:
            told["Sunset"] = format_datetime(self.sunset, usegmt=True)
            links.append(f'<{self.link}>; rel="sunset"; type="text/html"')
        return {**told, "Link": ", ".join(links)}

    def _note(self) -> Callable[[Request], None]:
        def note(request: Request) -> None:
            request.scope[_STATE] = self

        return note


class DeprecationHeaders:
    """Writes the headers onto whatever a deprecated operation answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            deprecation: Deprecation | None = scope.get(_STATE)
            if deprecation is not None and message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(deprecation.headers())
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
