"""What a worker looks after beside its commands: parked ones whose waking was lost, and what operators have stopped."""

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from agents.ledger import Ledger
from agents.parking import ParkingLot
from schemas.errors import LedgerReplaced, StoreError

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
_SWEEP_EVERY: Final = 30
"""Looks between two sweeps for overdue commands."""


class Tending:
    """Looks at the ledger every second."""

    def __init__(self, ledger: Ledger, lot: ParkingLot) -> None:
        self._ledger = ledger
        self._lot = lot
        self._stopped: frozenset[str] = frozenset()

    def stopped(self) -> Collection[str]:
        """Integrations that an operator has stopped, as of the last look; the ledger itself is always up to date."""
        return self._stopped

    async def run(self) -> None:
        """Look until cancelled. An outage of a store is waited out.

        Raises:
            LedgerReplaced: the worker must stop.
        """
        looks = 0
        while True:
            try:
                self._stopped = await self._ledger.stops()
                if looks % _SWEEP_EVERY == 0 and (woken := await self._lot.wake_overdue()):
                    log.warning("woke commands whose waking was lost", extra={"keys": woken})
            except LedgerReplaced:
                raise
            except StoreError as failed:
                log.warning("could not look after parked commands", extra={"why": str(failed)})
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)
