"""The socket side: requests in, answers, pages or faults out, and the admin pages of the sandbox itself."""

import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.exact_json import to_json
from infra.sandbox.misbehaving import HttpFault, Misbehaving, at_the_socket
from infra.sandbox.paypal.admin import Admin
from infra.sandbox.paypal.call import Answer, refused
from infra.sandbox.paypal.calling import Caller
from infra.sandbox.paypal.faults import Fault, FaultKind, FaultPlan
from infra.sandbox.paypal.performing import Accepted, Performer, Received
from infra.sandbox.paypal.refusing import Json, Refused
from infra.sandbox.paypal.request_ids import in_progress
from infra.sandbox.paypal.tokens import PATH as TOKEN
from infra.sandbox.paypal.walking import Leave, Page

log = logging.getLogger(__name__)

_KEPT_ANSWERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Told:
    """One answer as it was given, but for tokens; `template` is the path with `{id}` where an id was."""

    method: str
    template: str
    status: int
    body: Json | None


class PaypalServer:
    """One HTTP handler for `aiohttp.web.Server`."""

    def __init__(
        self, performer: Performer, plan: FaultPlan, caller: Caller, admin: Admin, misbehaving: Misbehaving
    ) -> None:
        self._performer = performer
        self._plan = plan
        self._caller = caller
        self._admin = admin
        self._misbehaving = misbehaving
        self._in_progress: set[tuple[str, str, str]] = set()
        self.told: deque[Told] = deque(maxlen=_KEPT_ANSWERS)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path = request.rel_url.raw_path
        if path.startswith(ADMIN_PREFIX):
            return await self._admin.handle(request, path.removeprefix(ADMIN_PREFIX), body)
        signer = self._performer.place.signer
        if path == signer.path:
            return web.Response(body=signer.pem, content_type="application/x-pem-file")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.method, path, dict(request.rel_url.query), headers, body)
        accepted = self._performer.accept(received)
        if accepted is not None:
            return await self._serve(request, accepted)
        return await self._show(received)

    async def _show(self, received: Received) -> web.StreamResponse:
        match await self._performer.walk(received):
            case Page(html):
                return web.Response(text=html, content_type="text/html", charset="utf-8")
            case Leave(url):
                self._caller.wake()
                return web.Response(status=303, headers={"Location": url})
        return _respond(refused(Refused("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")))

    async def _serve(self, request: web.BaseRequest, accepted: Accepted) -> web.StreamResponse:
        key = accepted.key
        if key is not None and key in self._in_progress:
            return self._answer(accepted, refused(in_progress()))
        if key is not None:
            self._in_progress.add(key)
        try:
            fault = await self._performer.marked(accepted) or self._draw(accepted)
            return await self._act(request, accepted, fault)
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        finally:
            self._in_progress.discard(key or ("", "", ""))

    def _draw(self, accepted: Accepted) -> Fault | None:
        """A fault for all paths is none for the token's, which has to be ordered by its own path."""
        if accepted.template == TOKEN and all(order.path != TOKEN for order, _ in self._plan.standing()):
            return None
        return self._plan.draw(accepted.template)

    async def _act(self, request: web.BaseRequest, accepted: Accepted, fault: Fault | None) -> web.StreamResponse:
        kind = at_the_socket(fault.kind) if fault else None
        if fault is not None:
            log.info("fault", extra={"path": accepted.template, "fault": str(fault.kind)})
        if fault is not None and kind is not None and kind is not HttpFault.TOO_MANY:
            perform = self._perform(accepted, None)
            return await self._misbehaving.act(request, kind, fault.seconds, perform)
        if fault is None:
            return await self._perform(accepted, None)()
        match fault.kind:
            case FaultKind.TOO_MANY:
                answer = self._answer(accepted, refused(Refused("RATE_LIMIT_REACHED")))
                answer.headers["Retry-After"] = "1"
                return answer
            case FaultKind.IN_PROGRESS:
                return self._answer(accepted, refused(in_progress()))
            case FaultKind.TOKEN_REVOKED:
                await self._performer.revoke(accepted)
            case FaultKind.INTERNAL:
                await self._perform(accepted, None)()
                return self._answer(accepted, refused(Refused("INTERNAL_SERVER_ERROR")))
            case FaultKind.SLOW:
                await self._misbehaving.wait(fault.seconds)
        return await self._perform(accepted, fault)()

    def _perform(self, accepted: Accepted, fault: Fault | None) -> Callable[[], Awaitable[web.Response]]:
        async def performed() -> web.Response:
            answer = await self._performer.perform(accepted, fault)
            # From here on a repeat finds what was performed, however long the answer takes.
            self._in_progress.discard(accepted.key or ("", "", ""))
            self._caller.wake()
            return self._answer(accepted, answer)

        return performed

    def _answer(self, accepted: Accepted, answer: Answer) -> web.Response:
        shown = None if accepted.template == TOKEN else answer.body
        self.told.append(Told(accepted.received.method, accepted.template, answer.status, shown))
        log.info("answered", extra={"path": accepted.template, "status": answer.status})
        return _respond(answer)


def _respond(answer: Answer) -> web.Response:
    trace = str((answer.body or {}).get("debug_id") or secrets.token_hex(7))
    headers = {"Paypal-Debug-Id": trace}
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    text = to_json(answer.body)
    return web.Response(status=answer.status, headers=headers, text=text, content_type="application/json")
