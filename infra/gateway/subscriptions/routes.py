"""`/v1/webhook-endpoints`: who wants which events where. Each caller sees and changes its own alone."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from agents.deliveries.destinations import RefusedDestination
from agents.deliveries.lookup import Lookup, look_up
from infra.gateway.access.caller import Caller, authorized
from infra.gateway.contract import operation, problems
from infra.gateway.parts import Parts
from infra.gateway.problems import Problem
from infra.gateway.subscriptions.models import (
    Delivered,
    DeliveryList,
    Endpoint,
    EndpointChange,
    EndpointList,
    EndpointMade,
    NewEndpoint,
    Replay,
    Rotation,
    Secret,
    TrialAsked,
)
from infra.gateway.subscriptions.store import MOST_ENDPOINTS, MOST_SECRETS, EndpointStore

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhook endpoints"])

_SCOPED: Final = operation("webhooks:manage")
_ABSENT: Final = problems(HTTPStatus.NOT_FOUND)
_CONFLICTING: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)

_SHOWN: Final = 50
_LOOK_UP_S: Final = 3.0


def lookup() -> Lookup:
    """How hosts are looked up."""
    return look_up


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with, in one caller's name."""

    caller: Caller
    parts: Parts
    look: Lookup

    @property
    def store(self) -> EndpointStore:
        return EndpointStore(self.parts.database, self.parts.seal, self.caller.id)

    async def check_url(self, url: str) -> None:
        """By its form and its host's addresses as they are now; they are looked at again whenever something is sent.

        Raises:
            Problem: 422.
        """
        rules = self.parts.settings.delivery_rules
        try:
            host, port = rules.check(url)
            # Where hosts cannot be looked up from here, whoever sends looks them up.
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LOOK_UP_S):
                    addresses = await self.look(host, port)
                rules.check_addresses(addresses)
        except RefusedDestination as refused:
            raise _field("url", str(refused)) from None

    def allowed(self, integrations: Sequence[str] | None) -> list[str] | None:
        """Which integrations an endpoint is about: what was asked for, or all that the caller may see.

        Raises:
            Problem: 422.
        """
        if integrations is None:
            return None if self.caller.integrations is None else sorted(self.caller.integrations)
        if not all(self.caller.may_use(name) for name in integrations):
            raise _field("integrations", "names one that this caller may not see")
        return sorted(set(integrations))


def _desk(
    request: Request,
    caller: Annotated[Caller, Depends(authorized("webhooks:manage"))],
    look: Annotated[Lookup, Depends(lookup)],
) -> Desk:
    return Desk(caller, request.app.state.parts, look)


At = Annotated[Desk, Depends(_desk)]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    operation_id="addEndpoint",
    responses=problems(HTTPStatus.CONFLICT),
    openapi_extra=_SCOPED,
)
async def add_endpoint(wanted: NewEndpoint, desk: At) -> EndpointMade:
    """Have events sent to a URL. The answer alone shows the secret that they are signed with."""
    await desk.check_url(wanted.url)
    integrations = desk.allowed(wanted.integrations)
    made = await desk.store.add(
        wanted.url, wanted.event_types, integrations, wanted.description, partitions=desk.parts.settings.partitions
    )
    if made is None:
        detail = f"a caller has at most {MOST_ENDPOINTS} endpoints; remove one that is not needed"
        raise Problem(HTTPStatus.CONFLICT, "too_many_endpoints", detail)
    row, secret = made
    return EndpointMade(**Endpoint.of(row).model_dump(), secret=secret)


@router.get("", operation_id="listEndpoints", openapi_extra=_SCOPED)
async def list_endpoints(desk: At) -> EndpointList:
    rows = await desk.store.all()
    standing = await desk.store.standing([row["endpoint_id"] for row in rows])
    return EndpointList(endpoints=[Endpoint.of(row, standing.get(row["endpoint_id"])) for row in rows])


@router.get("/{endpoint_id}", operation_id="showEndpoint", responses=_ABSENT, openapi_extra=_SCOPED)
async def show_endpoint(endpoint_id: UUID, desk: At) -> Endpoint:
    return await _shown(desk, await desk.store.one(endpoint_id))


@router.patch("/{endpoint_id}", operation_id="changeEndpoint", responses=_CONFLICTING, openapi_extra=_SCOPED)
async def change_endpoint(endpoint_id: UUID, wanted: EndpointChange, desk: At) -> Endpoint:
    """Change some of it. A disabled one is not made active here: see `enable`."""
    if wanted.url is not None:
        await desk.check_url(wanted.url)
    before = _found(await desk.store.one(endpoint_id))
    if wanted.status is not None and before["status"] == "disabled":
        detail = f"it is disabled: {before['status_why']}; enable it with POST …/enable once that is mended"
        raise Problem(HTTPStatus.CONFLICT, "endpoint_disabled", detail)
    given = "integrations" in wanted.model_fields_set
    row = await desk.store.change(
        endpoint_id,
        url=wanted.url,
        event_types=wanted.event_types,
        integrations=desk.allowed(wanted.integrations) if given else None,
        set_integrations=given,
        description=wanted.description,
        status=wanted.status,
    )
    return await _shown(desk, row)


@router.delete(
    "/{endpoint_id}",
    status_code=HTTPStatus.NO_CONTENT,
    operation_id="removeEndpoint",
    responses=_ABSENT,
    openapi_extra=_SCOPED,
)
async def remove_endpoint(endpoint_id: UUID, desk: At) -> Response:
    if not await desk.store.remove(endpoint_id):
        raise _missing()
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{endpoint_id}/rotate-secret",
    operation_id="rotateEndpointSecret",
    responses=_CONFLICTING,
    openapi_extra=_SCOPED,
)
async def rotate_secret(endpoint_id: UUID, desk: At, rotation: Rotation | None = None) -> Secret:
    """A new secret; messages are signed with the earlier ones too for a while."""
    overlap_s = (rotation or Rotation()).overlap_s
    _found(await desk.store.one(endpoint_id))
    secret = await desk.store.rotate(endpoint_id, overlap_s)
    if secret is None:
        detail = f"{MOST_SECRETS} secrets are live; wait until one has ended"
        raise Problem(HTTPStatus.CONFLICT, "too_many_secrets", detail)
    return Secret(secret=secret, earlier_end_at=desk.parts.now() + timedelta(seconds=overlap_s))


@router.post(
    "/{endpoint_id}/test",
    status_code=HTTPStatus.ACCEPTED,
    operation_id="testEndpoint",
    responses=_ABSENT,
    openapi_extra=_SCOPED,
)
async def try_endpoint(endpoint_id: UUID, desk: At) -> TrialAsked:
    """Have one event of type `endpoints.test.v1` sent, also to one that is paused or disabled."""
    message_id = await desk.store.ask_test(endpoint_id)
    if message_id is None:
        raise _missing()
    return TrialAsked(message_id=message_id)


@router.post(
    "/{endpoint_id}/replay",
    status_code=HTTPStatus.ACCEPTED,
    operation_id="replayEndpoint",
    responses=_ABSENT,
    openapi_extra=_SCOPED,
)
async def replay_endpoint(endpoint_id: UUID, replay: Replay, desk: At) -> Endpoint:
    """Begin anew at a moment: what came since is sent again, or, with one that is not reached yet, passed over."""
    if not await desk.store.replay(endpoint_id, replay.since):
        raise _missing()
    return await _shown(desk, await desk.store.one(endpoint_id))


@router.post("/{endpoint_id}/enable", operation_id="enableEndpoint", responses=_ABSENT, openapi_extra=_SCOPED)
async def enable_endpoint(endpoint_id: UUID, desk: At) -> Endpoint:
    """Go on where it stands, at once."""
    return await _shown(desk, await desk.store.enable(endpoint_id))


@router.get("/{endpoint_id}/deliveries", operation_id="listDeliveries", responses=_ABSENT, openapi_extra=_SCOPED)
async def list_deliveries(
    endpoint_id: UUID, desk: At, limit: Annotated[int, Query(ge=1, le=200)] = _SHOWN
) -> DeliveryList:
    """The last attempts, the newest first."""
    _found(await desk.store.one(endpoint_id))
    rows: Sequence[Any] = await desk.store.deliveries(endpoint_id, limit)
    return DeliveryList(deliveries=[Delivered(**dict(row)) for row in rows])


async def _shown(desk: Desk, row: Any) -> Endpoint:
    found = _found(row)
    return Endpoint.of(found, (await desk.store.standing([found["endpoint_id"]])).get(found["endpoint_id"]))


def _found(row: Any) -> Any:
    if row is None:
        raise _missing()
    return row


def _missing() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "unknown_endpoint", "this caller has no endpoint of this id")


def _field(field: str, said: str) -> Problem:
    detail = "the request cannot be carried out"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_field", detail, errors=[(field, said)])
