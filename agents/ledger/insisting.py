"""Writes to the ledger that have to get through."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from schemas.errors import LedgerReplaced, StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")


async def insist(act: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent write to the ledger through a short outage, such as a restart of PostgreSQL.

    Raises:
        StoreError: it still fails after about twenty seconds.
    """
    for wait_s in (0.1, 0.3, 1.0, 2.0, 4.0, 6.0, 6.0):
        try:
            return await act()
        except LedgerReplaced:
            raise
        except StoreError as failed:
            log.warning("ledger write failed, trying again", extra={"why": str(failed), "after_s": wait_s})
            await asyncio.sleep(wait_s)
    return await act()
