"""The application: every route of the HTTP edge, over the parts it is given."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from infra.gateway import commands, events, health, openapi, problems, returns, subscriptions, webhooks
from infra.gateway.access.recorder import AccessRecorder
from infra.gateway.deprecation import DeprecationHeaders
from infra.gateway.edge import Edge
from infra.gateway.parts import Parts

TITLE: Final = "Kolaj Hub"
_NO_TELEMETRY_OF_ITS_OWN: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's would continue strangers' traces, and tell whole paths and texts of errors; `edge.py` does it."""


def create_app(parts: Parts) -> FastAPI:
    """Build the application. It holds no state of its own beside `parts`: any number of processes may serve it."""
    app = surface()
    app.state.parts = parts
    app.add_middleware(AccessRecorder)
    app.add_middleware(
        Edge, most_requests=parts.settings.gateway_max_requests, most_bytes=parts.settings.gateway_max_body
    )
    return app


def surface() -> FastAPI:
    """Every route over no parts: what the contract is written from."""
    # Nothing is open: FastAPI's own pages and its copy of the contract are off.
    app = FastAPI(
        title=TITLE,
        version=version("kolaj-hub"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_TELEMETRY_OF_ITS_OWN,
    )
    problems.install(app)
    app.add_middleware(DeprecationHeaders)
    for area in (webhooks, commands, events, subscriptions, returns, openapi, health):
        app.include_router(area.router)
    return app
