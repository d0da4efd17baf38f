"""What the routes of the HTTP edge work with, built once for the process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from agents.integrations.directory import Directory
from agents.sealing import Seal
from infra.gateway.access.caller import Authenticator
from infra.gateway.returns.desk import Returns
from infra.settings import Settings
from streams.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Parts:
    """Routes find it as `request.app.state.parts`.

    Attributes:
        database: the projections, to be read, and the schema `gateway`.
        directory: the integrations, with the secrets that their providers sign with.
        now: the clock, UTC.
    """

    settings: Settings
    publisher: Publisher
    database: asyncpg.Pool
    directory: Directory
    seal: Seal
    authenticator: Authenticator
    now: Callable[[], datetime]
    returns: Returns
