"""What providers' calls are verified by, such as a certificate: fetched where the connector says, kept for a day.

Anybody can make a call name a document that is not there yet. So few are fetched in a minute, and whatever is kept is
served without waiting for any of them.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.x509 import load_pem_x509_certificates

from infra.gateway.buckets import Buckets
from infra.gateway.fetching import FAILURES, fetch, trusting
from providers.notices import Fetched
from schemas.errors import StoreError

KEPT_S: Final = 86_400.0
MOST: Final = 100
"""Documents that are kept; the one that was not used for the longest goes first."""
FETCHES_AT_ONCE: Final = 10
FETCHES_PER_S: Final = 0.5
DEADLINE_S: Final = 5.0
"""For a fetch, and for whoever waits for one behind others."""
LARGEST: Final = 64 * 1024


class Documents:
    """The documents of one process.

    Args:
        ca_file: authorities that are trusted besides the usual ones, for an address and for what lies there.
        clock: seconds on a clock that is never set back.
        deadline_s: after which a document that is not kept cannot be had.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._deadline_s = deadline_s
        self._tls = trusting(ca_file)
        authorities = self._tls.get_ca_certs(binary_form=True)
        self._roots = "".join(ssl.DER_cert_to_PEM_cert(one) for one in authorities).encode()
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Fetched]] = OrderedDict()
        self._fetches = Buckets(FETCHES_AT_ONCE, FETCHES_PER_S, clock=clock)
        self._fetching = asyncio.Lock()

    async def fetched(self, address: str) -> Fetched:
        """The certificates that lie there.

        Raises:
            StoreError: they cannot be had now. Whoever called should call again.
        """
        known = self._known(address)
        if known is not None:
            return known
        try:
            # One after the other they would keep the last one for minutes, where their server is silent.
            async with asyncio.timeout(self._deadline_s), self._fetching:
                return self._known(address) or await self._fetch(address)
        except TimeoutError as late:
            raise StoreError(f"a certificate was not had within {self._deadline_s:g} s") from late

    def _known(self, address: str) -> Fetched | None:
        until, found = self._kept.get(address, (float("-inf"), None))
        if found is None or self._clock() >= until:
            return None
        self._kept.move_to_end(address)
        return found

    async def _fetch(self, address: str) -> Fetched:
        if self._fetches.take("fetch"):
            raise StoreError("more certificates are named by calls than are fetched in a minute")
        try:
            body = await fetch(address, self._tls, deadline_s=self._deadline_s, largest=LARGEST)
            load_pem_x509_certificates(body)
        except FAILURES as failed:
            raise StoreError(f"a certificate could not be fetched ({type(failed).__name__}: {failed})") from failed
        found = Fetched(address, body, self._roots)
        self._kept[address] = (self._clock() + KEPT_S, found)
        self._kept.move_to_end(address)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return found
