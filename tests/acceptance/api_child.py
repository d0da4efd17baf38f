"""The HTTP edge in a process of its own, that kills itself when it publishes its first command.

Its arguments are `before` or `after`, and the settings as a JSON object. Its first line of output is its address.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from infra.gateway.parts import Parts
from infra.settings import read_settings
from streams.codec import Outgoing
from tests.api_server import running_api


class Dying:
    """A publisher that ends its process, just before it appends or just after it heard that it has."""

    def __init__(self, publisher: Any, when: str) -> None:
        self._publisher = publisher
        self._when = when

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self._when == "after":
            await self._publisher.publish(records)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(when: str, environment: dict[str, str]) -> None:
    def dying(parts: Parts) -> Parts:
        publisher: Any = Dying(parts.publisher, when)
        return replace(parts, commands=replace(parts.commands, publisher=publisher))

    async with running_api(read_settings(environment=environment), change=dying) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
