"""How far each projection has read, kept in PostgreSQL beside the rows."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from projections.entry import Place
from projections.projection import Connection
from projections.statements import statement

Spot: TypeAlias = tuple[str, str, int]
"""Projection, topic, partition."""


async def begin(connection: Connection, spots: Mapping[Spot, int]) -> None:
    """Give each spot that has no position yet the one given."""
    await connection.execute(statement("positions/begin"), *_arrays(spots))


async def lock(connection: Connection, projections: Iterable[str], places: Iterable[Place]) -> dict[Spot, int]:
    """The positions, locked until the transaction ends: whoever else would write them or their rows waits."""
    return await _read(connection, "positions/lock", projections, places)


async def read(connection: Connection, projections: Iterable[str], places: Iterable[Place]) -> dict[Spot, int]:
    return await _read(connection, "positions/read", projections, places)


async def advance(connection: Connection, spots: Mapping[Spot, int]) -> None:
    await connection.execute(statement("positions/advance"), *_arrays(spots))


def _arrays(spots: Mapping[Spot, int]) -> tuple[list[str], list[str], list[int], list[int]]:
    ordered = sorted(spots.items())
    return (
        [spot[0] for spot, _ in ordered],
        [spot[1] for spot, _ in ordered],
        [spot[2] for spot, _ in ordered],
        [offset for _, offset in ordered],
    )


async def _read(
    connection: Connection, name: str, projections: Iterable[str], places: Iterable[Place]
) -> dict[Spot, int]:
    ordered = sorted(places)
    rows = await connection.fetch(
        statement(name), sorted(projections), [topic for topic, _ in ordered], [partition for _, partition in ordered]
    )
    return {(row["projection"], row["topic"], row["partition"]): row["next_offset"] for row in rows}
