"""What the HTTP edge published, for tests that need no broker."""

from typing import Any

from schemas.errors import StoreError
from streams.codec import Outgoing


class Log:
    """Keeps what is published; while it is `away`, refuses it."""

    def __init__(self) -> None:
        self.away = False
        self.records: list[Outgoing] = []

    async def publish(self, records: list[Outgoing]) -> list[Any]:
        if self.away:
            raise StoreError("Kafka does not answer")
        self.records += records
        return []
