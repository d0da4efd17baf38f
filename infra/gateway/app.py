"""The application: every route of the HTTP edge, over the parts it is given."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from infra.gateway import commands, events, openapi, problems
from infra.gateway.deprecation import DeprecationHeaders
from infra.gateway.parts import Parts

TITLE: Final = "Kolaj Hub"


def create_app(parts: Parts) -> FastAPI:
    """Build the application. It holds no state of its own beside `parts`: any number of processes may serve it."""
    app = surface()
    app.state.parts = parts
    return app


def surface() -> FastAPI:
    """Every route over no parts: what the contract is written from."""
    # Nothing is open: FastAPI's own pages and its copy of the contract are off.
    app = FastAPI(title=TITLE, version=version("kolaj-hub"), docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    app.add_middleware(DeprecationHeaders)
    for area in (commands, events, openapi):
        app.include_router(area.router)
    return app
