"""The provider's books, the events and the tables of a hub, held against each other."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from infra.demo.balance import Balance, TableTotal, balance
from schemas.payments.results import CommandResult
from tests.hub import Hub

NEVER = datetime.max.replace(tzinfo=UTC)
"""No worker was killed, so that a kill explains nothing."""


async def weigh(hub: Hub, commands: Mapping[UUID, UUID]) -> Balance:
    """The balance over `commands` (id and payment of each), once all that is in the log is in the tables."""
    await hub.projected()
    results = {event.command_id: event for event in hub.events if isinstance(event, CommandResult)}
    async with hub.database() as database:
        rows = await database.fetch(
            "select payment_id, captured, refunded, net from payment_totals where captured > 0 or refunded > 0"
        )
    table = [
        TableTotal(UUID(str(row["payment_id"])), int(row["captured"]), int(row["refunded"]), int(row["net"]))
        for row in rows
    ]
    return balance(commands, list(results.values()), hub.sandbox.books.entries(), table, NEVER)


async def assert_balanced(hub: Hub, commands: Mapping[UUID, UUID]) -> None:
    """Nothing lost, nothing twice, nothing unknown, and all three agree."""
    found = await weigh(hub, commands)
    assert found.problems == []
    assert (found.results, found.lost, found.charged_twice, found.unknown) == (len(commands), 0, 0, 0)
    for command_id in commands:
        copies = hub.copies(command_id)
        assert len({(copy.value, copy.header("ce_id")) for copy in copies}) == 1
