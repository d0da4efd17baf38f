"""What the routes of the HTTP edge work with, built once for the process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from agents.integrations.directory import Directory
from agents.sealing import Seal
from infra.gateway.access.caller import Authenticator
from infra.gateway.access.opening import Access
from infra.gateway.commands.desk import CommandDesk
from infra.gateway.events.streams import EventStreams
from infra.gateway.readiness import Readiness
from infra.gateway.returns.desk import Returns
from infra.gateway.webhooks import Intake
from infra.settings import Settings
from streams.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Parts:
    """Routes find it as `request.app.state.parts`.

    Attributes:
        database: the projections, to be read, and the schema `gateway`.
        directory: the integrations, with the secrets that their providers sign with.
        now: the clock, UTC.
        stopping: set once the process is to end; whatever waits or streams has to come to its end then.
        metrics_at: host and port of the listener for metrics; `None` where there is none.
        access: callers' limits, and the record of what they asked; none where routes are tried alone.
    """

    settings: Settings
    publisher: Publisher
    database: asyncpg.Pool
    directory: Directory
    seal: Seal
    authenticator: Authenticator
    now: Callable[[], datetime]
    webhooks: Intake
    commands: CommandDesk
    events: EventStreams
    returns: Returns
    readiness: Readiness
    stopping: asyncio.Event
    access: Access | None = None
    metrics_at: tuple[str, int] | None = None
