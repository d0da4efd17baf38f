"""Telling whoever watches a process whether it is well."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_TELL_EVERY_S: Final = 1.0

OnHealth = Callable[[str | None], None]
"""Told every second why the process should not be counted on, or `None` when it is well."""


def unheard(_: str | None) -> None:
    """For whoever does not ask."""


async def tell_health(problem: Callable[[], str | None], on_health: OnHealth) -> None:
    """Tell until cancelled; what changes is logged too."""
    before: str | None = None
    while True:
        found = problem()
        if found is not None and found != before:
            log.warning("not ready", extra={"why": found})
        before = found
        on_health(found)
        await asyncio.sleep(_TELL_EVERY_S)
