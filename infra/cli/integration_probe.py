"""`kolaj integrations test`: one harmless authenticated call, and in words what is wrong."""

from typing import Annotated

import typer

from infra.caller_settings import caller_settings
from infra.cli.failing import Failed
from infra.cli.integration_changes import Name
from infra.cli.known_integrations import known_integration
from infra.cli.output import Json, emit, run, say
from infra.settings import Settings, read_settings
from providers.caller import Caller
from providers.exchange import Health


def register(app: typer.Typer) -> None:
    """Make the command part of `kolaj integrations`."""
    app.command("test")(probe)


def probe(integration_id: Name, *, json: Annotated[bool, Json] = False) -> None:
    """Make one harmless call with its keys, and say what is wrong: keys, environment, clock, address, TLS."""
    health = run(_probe(read_settings(kafka=False, database=False), integration_id))
    if json:
        emit(
            {
                "integration_id": integration_id,
                "status": health.status,
                "cause": health.cause,
                "detail": health.sentence,
                "response_time_ms": health.response_time_ms,
            }
        )
    if health.status == "unhealthy":
        raise Failed(f"{integration_id} does not work: {health.sentence}")
    if not json:
        say(f"{integration_id} works{'' if health.sentence is None else f', but {health.sentence}'}")


async def _probe(settings: Settings, integration_id: str) -> Health:
    integration = await known_integration(settings, integration_id)
    async with Caller(
        on_exchange=lambda _: None, on_breaker=lambda _: None, settings=caller_settings(settings)
    ) as caller:
        return await caller.probe(integration)
