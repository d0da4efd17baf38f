"""3-D Secure: backends fetch an address for a shopper to come back to, and shoppers come back.

`POST /v1/payments/{payment_id}/return-address`, and `GET` or `POST /v1/payments/{payment_id}/return`.
"""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from infra.gateway.access.caller import Caller, authorized
from infra.gateway.contract import operation, problems
from infra.gateway.problems import Problem
from infra.gateway.returns import pages
from infra.gateway.returns.brought import brought
from infra.gateway.returns.desk import PATH, Returns
from infra.gateway.returns.destination import trouble_with
from infra.gateway.returns.ticket import PARAMETER
from schemas.base import IntegrationId

router = APIRouter(tags=["payments"])

_LONGEST_MIN: Final = 24 * 60
_BODY_BYTES: Final = 64 * 1024
"""What banks post is some kilobytes."""
_BODY_S: Final = 10.0


class ReturnAddressWanted(BaseModel):
    """Where a shopper is to go on to, after the bank."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(min_length=1, max_length=2_000)]
    """An address at one of the origins that the hub's operator allowed; `payment_id` and `state` join its query."""
    expires_in_min: Annotated[int, Field(ge=1, le=_LONGEST_MIN)] = 60
    """For how many minutes the address is good."""
    integration_id: IntegrationId | None = None
    """Where the payment is made. Callers that may not use all integrations have to name one."""


class ReturnAddress(BaseModel):
    """Hand `address` to the provider as the page that the shopper comes back to."""

    address: str
    expires_at: datetime


@router.post(
    "/v1/payments/{payment_id}/return-address",
    operation_id="makeReturnAddress",
    summary="An address for a shopper to come back to.",
    responses=problems(HTTPStatus.CONFLICT),
    openapi_extra=operation("payments:write"),
)
async def make_address(
    payment_id: UUID,
    wanted: ReturnAddressWanted,
    request: Request,
    caller: Annotated[Caller, Depends(authorized("payments:write"))],
) -> ReturnAddress:
    """Sign an address. Nothing is stored: the payment need not exist yet."""
    returns: Returns = request.app.state.parts.returns
    if returns.place.public_url is None or not returns.place.origins:
        detail = "this hub makes no return addresses: its operator has to set KOLAJ_PUBLIC_URL and KOLAJ_RETURN_ORIGINS"
        raise Problem(HTTPStatus.CONFLICT, "not_set_up", detail)
    if not caller.may_use(wanted.integration_id):
        detail = "name an integration that this caller may use"
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail, errors=[("integration_id", detail)])
    trouble = trouble_with(wanted.to, returns.place.origins)
    if trouble is not None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_field", f"to {trouble}", errors=[("to", trouble)])
    good_for = timedelta(minutes=wanted.expires_in_min)
    address, ticket = returns.address(payment_id, wanted.to, wanted.integration_id, good_for)
    return ReturnAddress(address=address, expires_at=ticket.expires_at)


@router.api_route(PATH, methods=["GET", "POST"], include_in_schema=False)
async def come_back(payment_id: str, request: Request) -> Response:
    """Send a shopper on to the shop, with how the payment stands.

    The browser comes cross-site, without cookies, and nothing that it brings is believed but what is signed: the
    address by the hub, and what the bank posted or added to the query by the provider. Where that says that the payer
    was let through, the payment is completed, and where the provider itself knows whether the payer agreed; else the
    provider is asked. Its answer is booked, and nothing else.
    """
    returns: Returns = request.app.state.parts.returns
    origins = returns.place.origins
    body = await _body_of(request)
    if isinstance(body, HTTPStatus):
        return pages.not_taken(body, origins)
    given = request.query_params.getlist(PARAMETER)
    known = _uuid(payment_id)
    # Some banks put a question mark before what they add, whether there is one or not.
    text = given[0].partition("?")[0] if len(given) == 1 else ""
    came = None if known is None else returns.read(known, text)
    if came is None:
        return pages.not_ours(origins)
    if returns.is_over(came.ticket):
        return pages.over(came.ticket.to, origins)
    fields = brought(request.url.query, request.headers.get("content-type", ""), body)
    return pages.onward(await returns.onward(came, fields), origins)


async def _body_of(request: Request) -> bytes | HTTPStatus:
    """The body; the status to answer with where it is too long or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > _BODY_BYTES:
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except TimeoutError:
        return HTTPStatus.REQUEST_TIMEOUT
    return bytes(body)


def _uuid(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    # Only the spelling that the hub writes: what is signed stands in one form.
    return found if str(found) == text else None
