"""Providers' calls to us: verified, stored, and only then answered as the provider wants it.

A call that is theirs is never turned away by a limit. Limits are for calls that were found not to be: verifying costs
less than reading the request did, so that whoever forges gains nothing, and keeps nobody out (decision 0012).
"""

import base64
import hashlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from agents.integrations.directory import Directory
from agents.sealing import Seal
from infra.gateway.buckets import Buckets, retry_after
from infra.gateway.documents import Documents
from infra.gateway.edge import TooLarge
from infra.gateway.metrics import PUBLISHED_WITHIN, RECEIVED, REFUSED
from infra.gateway.problems import Problem, unavailable
from infra.gateway.refusals import SOURCE, Refusals
from providers.connector import Integration
from providers.notices import Call, CallAnswer, Notice, Refused, Webhooks
from schemas.card_numbers import holds_card_number, mask_card_numbers, may_hold_card_number
from schemas.envelope import Envelope
from schemas.errors import HubError, StoreError
from schemas.ids import new_id
from schemas.webhooks import RefusedWhy, WebhookReceived
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.tracing import current_traceparent

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

REFUSED_AT_ONCE: Final = 100
REFUSED_PER_S: Final = 20.0
"""Refusals that are told as such, for an integration and for an address each; past them it is 429."""
_TOKEN: Final = re.compile(r"[!-~]{1,200}")
_STATUS: Final[Mapping[RefusedWhy, HTTPStatus]] = {
    "unknown_integration": HTTPStatus.NOT_FOUND,
    "no_webhooks": HTTPStatus.NOT_FOUND,
    "malformed": HTTPStatus.BAD_REQUEST,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Of everything else 401, whatever was wrong: whoever forges is not told how far he got."""


async def webhook(request: Request) -> Response:
    """Take one call of a provider."""
    request.scope["route"] = _ROUTE  # metrics and traces go by it, and FastAPI notes it for its own routes alone
    integration_id: str = request.path_params["integration_id"]
    intake: Intake = request.app.state.parts.webhooks
    address = request.client.host if request.client is not None else ""
    integration, webhooks = intake.called(integration_id, address)
    try:
        body = await request.body()
    except TooLarge:
        raise intake.refused(integration_id, "too_large", address) from None
    answer = await intake.take(integration, webhooks, request.headers, body, address)
    return Response(answer.body, answer.status, {"Content-Type": answer.content_type})


# A plain route: there is nothing for FastAPI to read or write, which would take a fifth of the time of each call.
_ROUTE: Final = Route("/webhooks/{integration_id}", webhook, methods=["POST"])
router.routes.append(_ROUTE)


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where verified calls go."""

    publisher: Publisher
    topic: str
    seal: Seal


class Intake:
    """Takes providers' calls. It keeps nothing but counts.

    Args:
        clock: seconds on a clock that is never set back, by which refusals are limited.
    """

    def __init__(
        self,
        directory: Directory,
        outlet: Outlet,
        refusals: Refusals,
        *,
        now: Callable[[], datetime],
        documents: Documents | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refusals = refusals
        self._documents = documents
        self._directory = directory
        self._outlet = outlet
        self._now = now
        self._refused = Buckets(REFUSED_AT_ONCE, REFUSED_PER_S, clock=clock)
        self._failing: set[str] = set()

    def called(self, named: str, address: str) -> tuple[Integration, Webhooks]:
        """The integration that is called, which may be disabled, and how its provider calls.

        Raises:
            Problem: there is none, nothing here understands its calls, or it cannot be told now.
        """
        integration = self._directory.get(named) or self._directory.closed.get(named)
        if integration is None:
            raise self.refused(named, "unknown_integration", address)
        if integration.lacks is not None:
            raise self._not_now(named, integration.lacks)
        if integration.connector.webhooks is None:
            raise self.refused(named, "no_webhooks", address)
        return integration, integration.connector.webhooks

    async def take(
        self, integration: Integration, webhooks: Webhooks, headers: Mapping[str, str], body: bytes, address: str
    ) -> CallAnswer:
        """Verify and store one call; the provider's expected answer, once Kafka has acknowledged it.

        Raises:
            Problem: it is not theirs, or could not be verified or stored now.
        """
        live = tuple(one for one in (integration.credentials, *integration.retiring) if len(one))
        if not live:
            raise self._not_now(integration.id, f"{integration.id} has no live credentials")
        call = Call(headers, body, live, self._now(), integration.settings, integration.environment)
        try:
            found = webhooks.read(await self._with_document(webhooks, call))
        except HubError as failed:
            # Secrets that cannot be read say nothing about the call, nor does a document that cannot be had.
            raise self._not_now(integration.id, str(failed)) from failed
        if isinstance(found, Refused):
            raise self.refused(integration.id, found.why, address, body)
        await self._store(integration, found, body)
        RECEIVED.add(1, {"integration": integration.id})
        return webhooks.taken

    async def _with_document(self, webhooks: Webhooks, call: Call) -> Call:
        address = None if webhooks.needs is None else webhooks.needs(call)
        if address is None:
            return call
        if self._documents is None:
            raise StoreError("nothing is fetched here that calls are verified by")
        return replace(call, fetched=await self._documents.fetched(address))

    def refused(self, named: str, why: RefusedWhy, address: str, body: bytes | None = None) -> Problem:
        """Count a refusal; what to answer."""
        known = named in self._directory or named in self._directory.closed
        self.refusals.add(named, why, known=known, digest=None if body is None else hashlib.sha256(body).hexdigest())
        REFUSED.add(1, {"integration": named if known else "unknown", "why": why})
        waits = [self._refused.take(("address", address))]
        if known:
            waits.append(self._refused.take(("integration", named)))
        if any(waits):
            headers = {"Retry-After": retry_after(max(waits))}
            return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "slow down", headers=headers)
        status = _STATUS.get(why, HTTPStatus.UNAUTHORIZED)
        challenge = {"WWW-Authenticate": "Signature"} if status is HTTPStatus.UNAUTHORIZED else None
        return Problem(status, "refused", "this call was not taken", headers=challenge)

    async def _store(self, integration: Integration, notice: Notice, body: bytes) -> None:
        record = _record(self._outlet, integration, notice, body)
        began = time.monotonic()
        try:
            await self._outlet.publisher.publish([record])
        except HubError as failed:
            raise self._not_now("", str(failed)) from failed
        PUBLISHED_WITHIN.record(time.monotonic() - began)
        if self._failing:
            self._failing -= {"", integration.id}

    def _not_now(self, what: str, why: str) -> Problem:
        """They are to call again. Logged when it begins, not for each call: an outage must not flood the log."""
        if what not in self._failing:
            self._failing.add(what)
            log.warning("webhooks cannot be taken", extra={"integration_id": what or None, "why": why})
        return unavailable()


def _record(outlet: Outlet, integration: Integration, notice: Notice, body: bytes) -> Outgoing:
    """What is stored of a verified call; its own `ce_id`, and the event's id in its key."""
    received_id = new_id()
    event_id = _name(notice.event_id) or hashlib.sha256(notice.event_id.encode("utf-8", "replace")).hexdigest()
    facts = WebhookReceived(
        integration_id=integration.id,
        provider=integration.connector.name,
        event_id=event_id,
        event_type=_name(notice.event_type) or "unnamed",
        verified=notice.verified,
        body_digest=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        our_reference=_name(notice.our_reference),
        provider_reference=_name(notice.provider_reference),
        said=notice.said,
        about=notice.about,
        order_reference=_name(notice.order_reference),
        customer_key=_name(notice.customer_key),
        dispute_reference=_name(notice.dispute_reference),
        sealed=_sealed(outlet.seal, body, received_id),
    )
    envelope = Envelope(
        id=received_id,
        type=facts.type,
        source=SOURCE,
        subject=integration.id,
        time=notice.verified.arrived_at,
        traceparent=current_traceparent(),
    )
    return encode(outlet.topic, f"{integration.id}/{event_id}", envelope, facts)


def _sealed(seal: Seal, body: bytes, received_id: UUID) -> str:
    """The body, a card number in it masked, as base64 in which nobody finds one either."""
    if may_hold_card_number(body):
        text = body.decode("utf-8", "replace")
        masked = mask_card_numbers(text)
        body = body if masked == text else masked.encode("utf-8", "replace")
    while True:
        sealed = base64.b64encode(seal.close_call(body, received_id)).decode()
        if not holds_card_number(sealed):
            return sealed


def _name(text: str | None) -> str | None:
    """A name as records carry names. Digits that look like a card number are none: readers would refuse the record."""
    return text if text is not None and _TOKEN.fullmatch(text) and not holds_card_number(text) else None
