"""`POST /v1/commands/{type}` and `GET /v1/commands/{id}`."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from opentelemetry import propagate
from opentelemetry.context import Context

from infra.gateway.access.caller import Caller, authorized
from infra.gateway.commands.desk import READ_ALL, CommandDesk
from infra.gateway.commands.examples import EXAMPLES
from infra.gateway.commands.reading import bytes_of
from infra.gateway.commands.state import CommandAccepted, CommandTold, State
from infra.gateway.contract import operation, problems
from infra.gateway.problems import Problem
from schemas.card_numbers import holds_card_number
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    ReauthorizePayment,
    RefundPayment,
    ResolveOutcome,
    StartThreeDSecure,
    TransferShare,
)
from schemas.payments.resources import RESOURCE_COMMANDS, TakeResourceNotice
from schemas.payments.vocabulary import Command
from streams.tracing import current_traceparent

WRITE: Final = "payments:write"
RESOLVE: Final = "payments:resolve"
OFFERED: Final[dict[type[Command], str]] = {
    CreatePayment: WRITE,
    StartThreeDSecure: WRITE,
    CompleteThreeDSecure: WRITE,
    CapturePayment: WRITE,
    ReauthorizePayment: WRITE,
    CancelPayment: WRITE,
    RefundPayment: WRITE,
    QueryPayment: WRITE,
    ApproveLine: WRITE,
    TransferShare: WRITE,
    ResolveOutcome: RESOLVE,
    **{model: WRITE for model in RESOURCE_COMMANDS if model is not TakeResourceNotice},
}
"""What may be sent over HTTP, and the scope that it takes. Commands that the hub gives itself are not among them."""

LONGEST_WAIT_S: Final = 30

router = APIRouter(prefix="/v1", tags=["commands"])

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Chosen by the caller, one for each command: repetitions under it are the same command. Kept for "
        "30 days.",
    ),
]


def _taking(model: type[Command], scope: str) -> Callable[..., Awaitable[JSONResponse]]:
    async def take(
        request: Request, caller: Annotated[Caller, Depends(authorized(scope))], idempotency_key: IdempotencyKey
    ) -> JSONResponse:
        if holds_card_number(idempotency_key):
            detail = "card numbers are never kept; choose a random key"
            field = "Idempotency-Key"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "card_number", detail, errors=[(field, detail)])
        desk: CommandDesk = request.app.state.parts.commands
        traceparent = current_traceparent(propagate.extract(request.headers, context=Context()))
        command_id = await desk.take(model, await bytes_of(request), caller, idempotency_key, traceparent)
        url = f"/v1/commands/{command_id}"
        answer = CommandAccepted(command_id=command_id, state=State.ACCEPTED, url=url)
        return JSONResponse(answer.model_dump(mode="json"), HTTPStatus.ACCEPTED, {"Location": url})

    return take


def _described(model: type[Command], scope: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema, "example": EXAMPLES[model.type]}}
    return operation(scope, requestBody={"required": True, "content": content})


for _model, _scope in OFFERED.items():
    router.add_api_route(
        f"/commands/{_model.type}",
        _taking(_model, _scope),
        methods=["POST"],
        status_code=HTTPStatus.ACCEPTED,
        response_model=CommandAccepted,
        operation_id=_model.__name__,
        summary=(_model.__doc__ or "").split("\n", 1)[0],
        responses={
            HTTPStatus.ACCEPTED: {
                "description": "It is stored, and will be performed once.",
                "headers": {"Location": {"description": "The command's URL.", "schema": {"type": "string"}}},
            },
            **problems(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        },
        openapi_extra=_described(_model, _scope),
    )


@router.get(
    "/commands/{command_id:uuid}",
    response_model=CommandTold,
    operation_id="getCommand",
    summary="How a command stands, and its result.",
    responses=problems(HTTPStatus.NOT_FOUND),
    openapi_extra=operation(WRITE, RESOLVE, READ_ALL),
)
async def tell(
    request: Request,
    command_id: UUID,
    caller: Annotated[Caller, Depends(authorized(WRITE, RESOLVE, READ_ALL))],
    wait: Annotated[
        int, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for the end, if it has not ended.")
    ] = 0,
) -> Response:
    """The caller's own commands; with `payments:read` all commands of the integrations that it may see."""
    desk: CommandDesk = request.app.state.parts.commands
    return Response(await desk.told(command_id, caller, wait), media_type="application/json")
