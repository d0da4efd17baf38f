"""The short bad day: one broker, real processes killed, frozen and restarted, and everything balanced at the end."""

import asyncio
import json
import sys

import pytest

SEED, SECONDS, COMMANDS = 11, 40, 500


@pytest.mark.timeout(240)
async def test_a_bad_day_loses_nothing_and_performs_nothing_twice() -> None:
    arguments = ["--seed", str(SEED), "--brokers", "1", "--seconds", str(SECONDS), "--commands", str(COMMANDS)]
    chaos = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "chaos", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, told = await chaos.communicate()
    finally:
        if chaos.returncode is None:
            chaos.terminate()
            await chaos.wait()

    problems = told.decode()
    assert chaos.returncode == 0, problems
    line = json.loads(said)
    assert line["seed"] == SEED
    assert line["commands"] == line["results"] >= COMMANDS
    assert line["faults"] > 20
    assert (line["lost"], line["charged_twice"], line["result_ids_per_command_max"]) == (0, 0, 1)
    assert line["tables_equal_replay"] is True
    assert line["unknown"] == line["unknown_explained"]
