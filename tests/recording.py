"""A server in front of a provider that keeps what passes, so that a test sees the bytes that left the hub."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web


@dataclass
class Recording:
    """`requests` are (path, body as bytes), in the order they arrived; all goes on to `target`, word for word."""

    base_url: str = ""
    target: str = ""
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """The JSON bodies of the calls to one path; numbers with a fraction would show as floats."""
        return [json.loads(body) for called, body in self.requests if called == path]


@asynccontextmanager
async def recording() -> AsyncIterator[Recording]:
    """Serve until the block ends; set `target` before the first call."""
    kept = Recording()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        kept.requests.append((request.path, body))
        headers = {name: value for name, value in request.headers.items() if name.casefold() not in _OWN}
        url = kept.target + request.raw_path
        async with session.request(request.method, url, data=body or None, headers=headers) as answer:
            kind = answer.headers.get("content-type", "application/json")
            return web.Response(status=answer.status, body=await answer.read(), headers={"content-type": kind})

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    try:
        async with aiohttp.ClientSession() as session:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            kept.base_url = f"http://{host}:{port}"
            yield kept
    finally:
        await runner.cleanup()


_OWN = {"host", "content-length", "transfer-encoding", "connection"}
"""Headers of one connection, which the next one writes for itself."""
