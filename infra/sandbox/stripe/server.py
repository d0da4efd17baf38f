"""The socket side: requests in, answers, pages or faults out, and the admin pages of the sandbox itself."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.misbehaving import HttpFault, Misbehaving, at_the_socket
from infra.sandbox.stripe.account import VERSION
from infra.sandbox.stripe.admin import Admin
from infra.sandbox.stripe.calling import Caller
from infra.sandbox.stripe.faults import Fault, FaultPlan
from infra.sandbox.stripe.pages import Leave, Shown
from infra.sandbox.stripe.performing import Asked, Performer, Reply, answer_of, request_id
from infra.sandbox.stripe.received import Received
from infra.sandbox.stripe.refusing import Refused

log = logging.getLogger(__name__)

_API: Final = "/v1/"


class StripeServer:
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
        received = Received(
            request.method,
            path,
            request.rel_url.raw_query_string,
            f"{request.scheme}://{request.host}",
            {name.casefold(): value for name, value in request.headers.items()},
            body,
        )
        if path.startswith(_API):
            return await self._serve(request, received)
        return await self._show(received)

    async def _serve(self, request: web.BaseRequest, received: Received) -> web.StreamResponse:
        told = _Told(request_id(), received)
        try:
            asked = self._performer.accept(received, told.request_id)
            kept = await self._performer.claim(asked)
        except Refused as refused:
            return told.response(answer_of(refused))
        try:
            return told.response(kept) if kept is not None else await self._perform(request, asked, told)
        finally:
            self._performer.release(asked)

    async def _perform(self, request: web.BaseRequest, asked: Asked, told: "_Told") -> web.StreamResponse:
        try:
            fault = await self._performer.marked(asked) or self._plan.draw(asked.route.faults_at)
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        kind = at_the_socket(fault.kind) if fault else None
        if fault is None or kind is None:
            return await self._performed(asked, told, fault)()
        log.info("fault", extra={"path": asked.route.template, "fault": str(fault.kind)})
        # A late answer is one that is still being worked out; after the others the key is free as soon as it was used.
        done = self._performed(asked, told, None, release=kind is not HttpFault.LATE)
        return await self._misbehaving.act(request, kind, fault.seconds, done)

    def _performed(
        self, asked: Asked, told: "_Told", fault: Fault | None, *, release: bool = True
    ) -> Callable[[], Awaitable[web.Response]]:
        async def performed() -> web.Response:
            reply = await self._performer.perform(asked, fault)
            if release:
                self._performer.release(asked)
            log.info("answered", extra={"path": asked.route.template, "status": reply.status})
            await self._tell_first()
            return told.response(reply)

        return performed

    async def _show(self, received: Received) -> web.StreamResponse:
        result = await self._performer.walk(received)
        await self._tell_first()
        match result:
            case Shown(html):
                return web.Response(text=html, content_type="text/html", charset="utf-8")
            case Leave(url):
                return web.Response(status=303, headers={"Location": url})
            case _:
                return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")

    async def _tell_first(self) -> None:
        if self._performer.account.webhooks.before_answer:
            await self._performer.settle()
            await self._caller.tell_due()
        self._caller.wake()


class _Told:
    """One request's answer with the headers that go with each."""

    def __init__(self, identifier: str, received: Received) -> None:
        self.request_id = identifier
        self._version = received.headers.get("stripe-version", VERSION)
        self._key = received.headers.get("idempotency-key")

    def response(self, reply: Reply) -> web.Response:
        headers = {"Request-Id": self.request_id, "Stripe-Version": self._version, **reply.headers}
        if self._key is not None:
            headers["Idempotency-Key"] = self._key
        return web.Response(
            status=reply.status, text=reply.body, headers=headers, content_type="application/json", charset="utf-8"
        )
