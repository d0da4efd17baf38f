"""The application: every route of the HTTP edge, over the parts it is given."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI

from infra.gateway import problems, returns
from infra.gateway.parts import Parts

TITLE: Final = "Kolaj Hub"


def create_app(parts: Parts) -> FastAPI:
    """Build the application. It holds no state of its own beside `parts`: any number of processes may serve it."""
    app = FastAPI(title=TITLE, version=version("kolaj-hub"), docs_url=None, redoc_url=None)
    app.state.parts = parts
    problems.install(app)
    app.include_router(returns.router)
    return app
