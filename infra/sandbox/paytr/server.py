"""The socket side: requests in, answers, pages or faults out, and the admin pages of the sandbox itself."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.exact_json import to_json
from infra.sandbox.misbehaving import Misbehaving, at_the_socket
from infra.sandbox.paytr.admin import Admin
from infra.sandbox.paytr.call import Leave, Page, Result
from infra.sandbox.paytr.calling import Caller
from infra.sandbox.paytr.faults import Fault, FaultPlan
from infra.sandbox.paytr.performing import Accepted, Performer, Received

log = logging.getLogger(__name__)


class PaytrServer:
    """One HTTP handler for `aiohttp.web.Server`."""

    def __init__(
        self, performer: Performer, plan: FaultPlan, caller: Caller, admin: Admin, misbehaving: Misbehaving
    ) -> None:
        self._performer = performer
        self._plan = plan
        self._caller = caller
        self._admin = admin
        self._misbehaving = misbehaving

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path = request.rel_url.raw_path
        if path.startswith(ADMIN_PREFIX):
            return await self._admin.handle(request, path.removeprefix(ADMIN_PREFIX), body)
        received = Received(request.method, path, f"{request.scheme}://{request.host}", body)
        accepted = self._performer.accept(received)
        if accepted is not None:
            return await self._serve(request, accepted)
        result = await self._performer.walk(received)
        if result is None:
            return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
        return await self._respond(result, "page")

    async def _serve(self, request: web.BaseRequest, accepted: Accepted) -> web.StreamResponse:
        refused = self._performer.refuse(accepted)
        if refused is not None:
            return await self._respond(refused, accepted.path)
        try:
            fault = await self._performer.fault_of_basket(accepted) or self._plan.draw(accepted.path)
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        kind = at_the_socket(fault.kind) if fault else None
        if fault is None or kind is None:
            return await self._perform(accepted, fault)()
        log.info("fault", extra={"path": accepted.path, "fault": str(fault.kind)})
        return await self._misbehaving.act(request, kind, fault.seconds, self._perform(accepted, None))

    def _perform(self, accepted: Accepted, fault: Fault | None) -> Callable[[], Awaitable[web.Response]]:
        async def performed() -> web.Response:
            result = await self._performer.perform(accepted, fault)
            oid = accepted.form.get("merchant_oid") if accepted.path == "/odeme" else None
            return await self._respond(result, accepted.path, told_first=oid)

        return performed

    async def _respond(self, result: Result, path: str, *, told_first: str | None = None) -> web.Response:
        store = self._performer.store
        oid = result.merchant_oid if isinstance(result, Page | Leave) else told_first
        if oid is not None and store.callbacks.before_return:
            await self._caller.tell_due(oid)
        self._caller.wake()
        match result:
            case Page(html):
                return web.Response(text=html, content_type="text/html", charset="utf-8")
            case Leave(url):
                return web.Response(status=303, headers={"Location": url})
            case _:
                word = str(result.get("status")) if isinstance(result, dict) else "success"
                log.info("answered", extra={"path": path, "outcome": word})
                return web.Response(text=to_json(result), content_type=store.json_type, charset="utf-8")
