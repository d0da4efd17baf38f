"""The issuer's keys as a running gateway knows them: fetched now and then, and when a token names one that is new.

Tokens with made-up names of keys cannot make us ask the issuer more often than every ten seconds, and an issuer that is
away for a while is not missed.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.gateway.access.signing_keys import SigningKey, read_keys
from infra.gateway.fetching import FAILURES, fetch, trusting
from schemas.errors import StoreError

log = logging.getLogger(__name__)

REFRESH_S: Final = 300.0
"""Between two fetches: a key that the issuer took back opens nothing after this."""
LOOK_AGAIN_S: Final = 10.0
"""For a key that is not known, and after a fetch that failed, at most so often over all requests."""
STALE_S: Final = 3600.0
"""For how long keys are trusted while the issuer does not answer."""
DEADLINE_S: Final = 5.0
LARGEST: Final = 256 * 1024
"""Bytes of the document that are read."""


class IssuerKeys:
    """The keys by `kid`.

    Args:
        ca_file: authorities to trust, where they are not the usual ones.
    """

    def __init__(self, url: str, *, ca_file: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._tls = trusting(ca_file)
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = False
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> SigningKey | None:
        """The key of this name; `None` where the issuer has none.

        Raises:
            StoreError: the issuer does not answer, and what was known is too old or has no such key.
        """
        known = kid in self._keys
        if not known:
            async with self._fetching:
                if self._clock() - self._tried_at >= LOOK_AGAIN_S:
                    await self._fetch()
        if self._clock() - self._fetched_at > STALE_S or (not known and self._failed):
            raise StoreError("the keys of the issuer cannot be fetched now")
        return self._keys.get(kid)

    async def watch(self) -> None:
        """Fetch until cancelled."""
        while True:
            async with self._fetching:
                await self._fetch()
            await asyncio.sleep(LOOK_AGAIN_S if self._failed else REFRESH_S)

    async def _fetch(self) -> None:
        before = self._failed
        began, self._failed = self._clock(), True
        try:
            self._keys = read_keys(await fetch(self._url, self._tls, deadline_s=DEADLINE_S, largest=LARGEST))
            self._fetched_at, self._failed = began, False
        except FAILURES as failed:
            if not before:
                why = f"{type(failed).__name__}: {failed}"
                log.warning("the issuer's keys could not be fetched", extra={"url": self._url, "why": why})
        finally:
            self._tried_at = self._clock()
