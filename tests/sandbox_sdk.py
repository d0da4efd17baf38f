"""iyzico's official client, unchanged, against a sandbox of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from infra.sandbox.iyzico import Books, Keys, Notifying, Sandbox, running_sandbox
from tests.sandbox_merchant import Reply, a_payment, read

DRIVER = Path(__file__).with_name("sandbox_sdk_driver.py")


@dataclass(frozen=True, slots=True)
class Sdk:
    """The official client, pointed at the sandbox's TLS port."""

    sandbox: Sandbox
    process: asyncio.subprocess.Process

    async def ask(self, value: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        await self.process.stdin.drain()

    async def call(self, resource: str, method: str, *arguments: object) -> Reply:
        assert self.process.stdout is not None
        await self.ask({"resource": resource, "method": method, "arguments": arguments})
        async with asyncio.timeout(20):
            line = await self.process.stdout.readline()
        answer = json.loads(line)
        assert answer["status"] == 200, answer
        return read(answer["text"])

    async def order(self, name: str, **values: object) -> Reply:
        """An order on the sandbox's own pages."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.post(f"{self.sandbox.admin_url}{name}", json=values) as answer,
        ):
            return read(await answer.text())

    async def pay(self, price: str = "100.00", **changes: object) -> Reply:
        return await self.call("Payment", "create", a_payment(price, **changes))


async def start_driver(sandbox: Sandbox, keys: Keys) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(DRIVER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"SSL_CERT_FILE": str(sandbox.ca_pem_path)},
    )
    assert sandbox.tls_base_url is not None
    options = {"api_key": keys.api_key, "secret_key": keys.secret_key, "base_url": sandbox.tls_base_url[8:]}
    await Sdk(sandbox, process).ask(options)
    return process


async def stop_driver(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0


@asynccontextmanager
async def running_sdk(*, books: Books | str = ":memory:", notifying: Notifying | None = None) -> AsyncIterator[Sdk]:
    async with running_sandbox(tls=True, books=books, notifying=notifying) as sandbox:
        process = await start_driver(sandbox, Keys(sandbox.api_key, sandbox.secret_key))
        yield Sdk(sandbox, process)
        await stop_driver(process)
