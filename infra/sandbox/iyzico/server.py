"""The socket side: requests in, answers or faults out, and the admin pages of the sandbox itself."""

import logging

from aiohttp import web

from infra.sandbox.admin_pages import ADMIN_PREFIX
from infra.sandbox.iyzico.admin import Admin
from infra.sandbox.iyzico.answers import Answer
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.faults import FAULTS, Fault, FaultKind, FaultPlan
from infra.sandbox.iyzico.pages import Pages
from infra.sandbox.iyzico.performing import Accepted, Performer, Received
from infra.sandbox.misbehaving import Misbehaving, at_the_socket

log = logging.getLogger(__name__)

PAGES_PREFIX = "/pages/"


class IyzicoServer:
    """One HTTP handler for `aiohttp.web.Server`."""

    def __init__(
        self, performer: Performer, plan: FaultPlan, admin: Admin, pages: Pages, misbehaving: Misbehaving
    ) -> None:
        self._performer = performer
        self._plan = plan
        self._admin = admin
        self._pages = pages
        self._misbehaving = misbehaving

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
                marked = FAULTS.marked(basket_id)
            except ValueError as error:
                raise Refused("11", detail=str(error)) from error
            if marked is not None and await self._performer.use_marker(str(basket_id)):
                return marked
        return self._plan.draw(accepted.path)

    async def _act(self, request: web.BaseRequest, accepted: Accepted, fault: Fault) -> web.StreamResponse:
        log.info("fault", extra={"path": accepted.path, "fault": str(fault.kind)})
        kind = at_the_socket(fault.kind)
        if kind is None:
            return _respond(await self._answer_wrongly(accepted, fault), accepted.path)

        async def perform() -> web.Response:
            return _respond(await self._performer.perform(accepted), accepted.path)

        return await self._misbehaving.act(request, kind, fault.seconds, perform)

    async def _answer_wrongly(self, accepted: Accepted, fault: Fault) -> Answer:
        match fault.kind:
            case FaultKind.REVIEW_APPROVE:
                return await self._performer.perform(accepted, review_verdict=1, review_s=fault.seconds)
            case FaultKind.REVIEW_REJECT:
                return await self._performer.perform(accepted, review_verdict=-1, review_s=fault.seconds)
            case FaultKind.LIMIT:
                return self._performer.phrase(accepted, Refused("50000"))
            case FaultKind.BANK_TIMEOUT:
                await self._performer.perform(accepted)
        return self._performer.phrase(accepted, Refused("10219"))


def _respond(answer: Answer, path: str) -> web.Response:
    log.info("answered", extra={"path": path, "status": answer.status, "outcome": answer.outcome})
    return web.Response(
        status=answer.status, body=answer.text.encode(), content_type="application/json", charset="utf-8"
    )
