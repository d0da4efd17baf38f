"""The socket side: requests in, answers or faults out, and the admin pages of the sandbox itself."""

import asyncio
import logging
import socket
import struct
from contextlib import suppress

from aiohttp import web

from infra.sandbox.iyzico.admin import Admin
from infra.sandbox.iyzico.answers import Answer
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.faults import Fault, FaultKind, FaultPlan, marked_fault
from infra.sandbox.iyzico.pages import Pages
from infra.sandbox.iyzico.performing import Accepted, Performer, Received

log = logging.getLogger(__name__)

ADMIN_PREFIX = "/__sandbox__/"
PAGES_PREFIX = "/pages/"

_GARBAGE = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_LOOK_S = 0.02
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_REVIEWS = {FaultKind.REVIEW_APPROVE: 1, FaultKind.REVIEW_REJECT: -1}
_UNPERFORMED = {
    FaultKind.ERROR_BEFORE,
    FaultKind.RESET_BEFORE,
    FaultKind.TOO_MANY,
    FaultKind.LIMIT,
    FaultKind.BANK_TIMEOUT_BEFORE,
}


class IyzicoServer:
    """One HTTP handler for `aiohttp.web.Server`; `stop` ends what is being held back."""

    def __init__(self, performer: Performer, plan: FaultPlan, admin: Admin, pages: Pages) -> None:
        self._performer = performer
        self._plan = plan
        self._admin = admin
        self._pages = pages
        self._stopping = asyncio.Event()
        self._late = 0
        admin.count_late = lambda: self._late

    def stop(self) -> None:
        """Release held connections; late operations that are not yet performed never will be."""
        self._stopping.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if request.path.startswith(ADMIN_PREFIX):
            return await self._admin.handle(request, request.path.removeprefix(ADMIN_PREFIX), body)
        origin = f"{request.scheme}://{request.host}"
        if request.path.startswith(PAGES_PREFIX):
            return await self._pages.handle(request.method, request.path.removeprefix(PAGES_PREFIX), body)
        received = Received(
            request.method,
            request.rel_url.raw_path,
            request.query,
            request.headers.get("Authorization"),
            body,
            origin,
        )
        try:
            accepted = self._performer.accept(received)
        except Refused as refused:
            # The path is not logged here: an unknown one may hold anything.
            return _respond(self._performer.refuse_unread(refused), "unaccepted")
        try:
            fault = await self._fault_for(accepted)
            async with self._performer.alone(accepted):
                if fault is None:
                    return _respond(await self._performer.perform(accepted), accepted.path)
                return await self._act(request, accepted, fault)
        except Refused as refused:
            return _respond(self._performer.phrase(accepted, refused), accepted.path)

    async def _fault_for(self, accepted: Accepted) -> Fault | None:
        if accepted.route.creates:
            basket_id = accepted.body.get("basketId")
            try:
                marked = marked_fault(basket_id)
            except ValueError as error:
                raise Refused("11", detail=str(error)) from error
            if marked is not None and await self._performer.use_marker(str(basket_id)):
                return marked
        return self._plan.draw(accepted.path)

    async def _act(self, request: web.BaseRequest, accepted: Accepted, fault: Fault) -> web.StreamResponse:
        log.info("fault", extra={"path": accepted.path, "fault": str(fault.kind)})
        if fault.kind in _REVIEWS:
            verdict = _REVIEWS[fault.kind]
            answer = await self._performer.perform(accepted, review_verdict=verdict, review_s=fault.seconds)
            return _respond(answer, accepted.path)
        if fault.kind in _UNPERFORMED:
            return self._unperformed(request, accepted, fault.kind)
        if fault.kind is FaultKind.PERFORM_LATE:
            return await self._perform_late(request, accepted, fault.seconds)
        answer = await self._performer.perform(accepted)
        return await self._performed(request, accepted, fault, answer)

    def _unperformed(self, request: web.BaseRequest, accepted: Accepted, kind: FaultKind) -> web.StreamResponse:
        match kind:
            case FaultKind.ERROR_BEFORE:
                return web.Response(status=500, text=_GARBAGE, content_type="text/html")
            case FaultKind.TOO_MANY:
                return web.Response(status=429, headers={"Retry-After": "1"}, text="Too many requests")
            case FaultKind.LIMIT:
                return _respond(self._performer.phrase(accepted, Refused("50000")), accepted.path)
            case FaultKind.BANK_TIMEOUT_BEFORE:
                return _respond(self._performer.phrase(accepted, Refused("10219")), accepted.path)
            case _:
                return _reset(request)

    async def _performed(
        self, request: web.BaseRequest, accepted: Accepted, fault: Fault, answer: Answer
    ) -> web.StreamResponse:
        match fault.kind:
            case FaultKind.LATE:
                await self._wait(fault.seconds)
                return _respond(answer, accepted.path)
            case FaultKind.NEVER:
                await self._until_client_leaves(request)
                return _reset(request)
            case FaultKind.ERROR_AFTER:
                return web.Response(status=500, text=_GARBAGE, content_type="text/html")
            case FaultKind.GARBAGE:
                return web.Response(text=_GARBAGE, content_type="text/html")
            case FaultKind.TRUNCATED:
                return web.Response(text=answer.text[: len(answer.text) // 2], content_type="application/json")
            case FaultKind.EMPTY:
                return web.Response(content_type="application/json")
            case FaultKind.BANK_TIMEOUT:
                return _respond(self._performer.phrase(accepted, Refused("10219")), accepted.path)
            case _:
                return _reset(request)

    async def _perform_late(self, request: web.BaseRequest, accepted: Accepted, seconds: float) -> web.StreamResponse:
        # The handler outlives its client: aiohttp does not cancel it when the connection goes. The payment stays busy
        # meanwhile, and nobody hears how it went.
        self._late += 1
        try:
            await self._wait(seconds)
            if not self._stopping.is_set():
                await self._performer.perform(accepted)
        finally:
            self._late -= 1
        await self._until_client_leaves(request)
        return _reset(request)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _until_client_leaves(self, request: web.BaseRequest) -> None:
        # aiohttp does not tell a running handler that its client has gone; only the missing transport shows it.
        while not self._stopping.is_set() and request.transport is not None and not request.transport.is_closing():
            await self._wait(_LOOK_S)


def _respond(answer: Answer, path: str) -> web.StreamResponse:
    log.info("answered", extra={"path": path, "status": answer.status, "outcome": answer.outcome})
    return web.Response(
        status=answer.status, body=answer.text.encode(), content_type="application/json", charset="utf-8"
    )


def _reset(request: web.BaseRequest) -> web.StreamResponse:
    """Close with a TCP reset, so that the client sees a broken connection and not a polite end."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        if peer is not None:
            with suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        transport.abort()
    return web.Response()
