"""The application: every route of the HTTP edge, over the parts it is given."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from infra.gateway import health, problems, webhooks
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
    app = FastAPI(
        title=TITLE, version=version("kolaj-hub"), docs_url=None, redoc_url=None, telemetry=_NO_TELEMETRY_OF_ITS_OWN
    )
    app.state.parts = parts
    problems.install(app)
    app.add_middleware(
        Edge, most_requests=parts.settings.gateway_max_requests, most_bytes=parts.settings.gateway_max_body
    )
    for area in (webhooks, health):
        app.include_router(area.router)
    return app
