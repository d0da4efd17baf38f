"""For whoever looks after the process: is it alive, is it ready, what has it measured."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.gateway.readiness import Readiness

router = APIRouter(include_in_schema=False)


@router.get("/health/live")
async def live() -> JSONResponse:
    """The event loop turns; nothing else is asked, since a restart mends nothing else."""
    return JSONResponse({"status": "alive"})


@router.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Whether requests should be sent here now: 200 or 503."""
    readiness: Readiness = request.app.state.parts.readiness
    well = readiness.problem is None
    body = {"status": "ready" if well else "not_ready", "checks": readiness.states}
    return JSONResponse(body, HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """In Prometheus's text form, on the listener for metrics alone: the one for callers has no such page."""
    if request.scope["server"] != request.app.state.parts.metrics_at:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
