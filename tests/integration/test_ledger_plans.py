"""What the ledger's statements cost does not grow with what lies in it, from the first command of a new ledger on."""

import re

import pytest

from agents.pool import open_pool
from agents.sql import statement
from infra.migrate import migrate

GROWING = ("keys", "commands", "attempts", "parked", "deadlines")


@pytest.mark.parametrize(
    "name", ["claim", "send", "unsend", "conclude", "release", "park", "deadlines_passed", "deadlines_told"]
)
async def test_no_statement_reads_a_growing_table_whole_however_little_is_known_of_it(
    database_url: str, name: str
) -> None:
    await migrate(database_url)
    pool = await open_pool(database_url, size=1)
    text = statement(name)
    nothing = ", ".join(["null"] * max(int(number) for number in re.findall(r"\$(\d+)", text)))
    try:
        async with pool.acquire() as connection:
            await connection.execute(f"prepare planned as {text}")
            rows = await connection.fetch(f"explain execute planned({nothing})")
            await connection.execute("deallocate planned")
    finally:
        await pool.close()

    assert whole_readings([row[0] for row in rows]) == []


@pytest.mark.parametrize("reading", ["select * from ledger.attempts", "select * from ledger.keys order by key"])
async def test_the_measure_can_tell(database_url: str, reading: str) -> None:
    await migrate(database_url)
    pool = await open_pool(database_url, size=1)
    try:
        rows = await pool.fetch(f"explain {reading}")
    finally:
        await pool.close()

    assert len(whole_readings([row[0] for row in rows])) == 1


def whole_readings(plan: list[str]) -> list[str]:
    """Lines that read a growing table without a condition on an index."""
    scan = re.compile(rf"(Seq Scan|Index Scan|Index Only Scan)\b.* on ({'|'.join(GROWING)})\b")
    return [
        line
        for number, line in enumerate(plan)
        if (found := scan.search(line))
        and (found[1] == "Seq Scan" or "Index Cond" not in "".join(plan[number + 1 : number + 3]))
    ]
