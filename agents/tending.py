"""What a worker looks after beside its commands.

Parked commands whose waking was lost, payments whose payer's time is over, what operators have stopped, cards that a
worker which died has left behind, and people who were erased.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final

from agents.card_vault import CardVault
from agents.ledger import Ledger
from agents.parking import OVERDUE_GRACE_S, ParkingLot
from agents.payments.deadlines import Deadlines
from agents.vault.subjects import Subjects
from schemas.errors import LedgerReplaced, StoreError

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
SWEEP_EVERY: Final = 30
"""Looks between two sweeps for overdue commands, deadlines and cards."""
_COUNT_EVERY: Final = 60
"""Looks between two counts of what waits, which reads all of it."""


class Tending:
    """Looks at the ledger every second.

    Args:
        look_every_s: between two looks, in seconds.
        sweep_every: looks between two sweeps, for commands whose waking is overdue, for deadlines and for cards.
        grace_s: how long after its time a waking counts as lost, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        lot: ParkingLot,
        cards: CardVault | None = None,
        subjects: Subjects | None = None,
        *,
        deadlines: Deadlines | None = None,
        look_every_s: float = LOOK_EVERY_S,
        sweep_every: int = SWEEP_EVERY,
        grace_s: float = OVERDUE_GRACE_S,
    ) -> None:
        self._ledger = ledger
        self._lot = lot
        self._cards = cards
        self._subjects = subjects
        self._deadlines = deadlines
        self._look_every_s = look_every_s
        self._sweep_every = sweep_every
        self._grace_s = grace_s
        self._stopped: frozenset[str] = frozenset()
        self._waiting: Mapping[str, int] = {}

    def stopped(self) -> Collection[str]:
        """Integrations that an operator has stopped, as of the last look; the ledger itself is always up to date."""
        return self._stopped

    def waiting(self) -> Mapping[str, int]:
        """Parked commands by integration, as of the last count."""
        return self._waiting

    async def run(self) -> None:
        """Look until cancelled. An outage of a store is waited out.

        Raises:
            LedgerReplaced: the worker must stop.
        """
        looks = 0
        while True:
            # Apart, since the vault has an account of its own, and may fail where the ledger does not.
            for look_after in (self._commands, self._persons_and_cards):
                try:
                    await look_after(looks)
                except LedgerReplaced:
                    raise
                except StoreError as failed:
                    log.warning("could not look after parked commands, cards and subjects", extra={"why": str(failed)})
            looks += 1
            await asyncio.sleep(self._look_every_s)

    async def _commands(self, looks: int) -> None:
        stopped = await self._ledger.stops()
        lifted, self._stopped = self._stopped - stopped, stopped
        if (lifted or looks % self._sweep_every == 0) and (woken := await self._lot.wake_released()):
            log.info("integrations go on, their commands are woken", extra={"keys": woken})
        if looks % self._sweep_every == 0 and (woken := await self._lot.wake_overdue(grace_s=self._grace_s)):
            log.warning("woke commands whose waking was lost", extra={"keys": woken})
        if looks % self._sweep_every == 0 and self._deadlines is not None and (told := await self._deadlines.tell()):
            log.info("payers' time is over, their payments are asked about", extra={"payments": told})
        if looks % _COUNT_EVERY == 0:
            counted = await self._ledger.waiting()
            # One that has nothing left is told as nothing, once.
            self._waiting = dict.fromkeys((name for name, count in self._waiting.items() if count), 0) | counted

    async def _persons_and_cards(self, looks: int) -> None:
        if self._subjects is not None:
            await self._subjects.refresh()
        if looks % self._sweep_every == 0 and self._cards is not None and (swept := await self._cards.sweep()):
            log.info("deleted cards that were left behind", extra={"rows": swept})
