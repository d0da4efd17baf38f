"""`kolaj` as an operator runs it, in a process of its own against a hub under test."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from tests.hub import Hub


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


async def kolaj(hub: Hub, *arguments: str, stdin: str = "") -> Done:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.cli",
        *arguments,
        env={"PATH": os.environ["PATH"], "COLUMNS": "300", **hub.environment},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    try:
        async with asyncio.timeout(120):
            out, err = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(process.returncode or 0, out.decode(), err.decode())
