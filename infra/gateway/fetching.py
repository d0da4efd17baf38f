"""A small document from somebody else's server: bounded in time and size, no redirects, no proxies, TLS verified."""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import httpx

FAILURES: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError)
"""What `fetch` raises where the document cannot be had; `ValueError` for another status, and for too large a one."""


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The usual authorities, and those of the file."""
    tls = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        tls.load_verify_locations(ca_file)
    return tls


async def fetch(url: str, tls: ssl.SSLContext, *, deadline_s: float, largest: int) -> bytes:
    """The document; raises one of `FAILURES`."""
    # A client for each fetch: there are few, and none is left behind by one that was cut off.
    async with (
        asyncio.timeout(deadline_s),
        httpx.AsyncClient(verify=tls, timeout=deadline_s, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"the answer was {answer.status_code}")
        body = b""
        async for part in answer.aiter_raw():
            body += part
            if len(body) > largest:
                raise ValueError(f"the document has more than {largest} bytes")
        return body
