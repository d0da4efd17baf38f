"""The running HTTP edge against its own contract, by schemathesis: every operation, with good and with bad requests."""

import asyncio
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.gateway.parts import Parts
from infra.gateway.places import Places
from infra.local import LocalStack
from infra.settings import Settings, read_settings
from schemas.payments import CapturePayment, CreatePayment
from schemas.payments.resources import GetInstalments, StoreCard
from schemas.payments.vocabulary import COMMANDS
from tests.api_server import running_api
from tests.hub_environment import MASTER_KEY

HERE = Path(__file__).parent
EXAMPLES = "2"
"""Of each operation and phase."""
STANDING_FOR_ALL = (CreatePayment, CapturePayment, StoreCard, GetInstalments)
"""Commands are taken by one function, whatever they say: these are tried in the place of all."""
PASSED_OVER = "|".join(re.escape(it.type) for it in COMMANDS if it not in STANDING_FOR_ALL)


@pytest.fixture(scope="module")
def settings(stack: LocalStack, database_url: str, topic_prefix: str) -> Settings:
    return read_settings(
        environment={
            "KAFKA_BOOTSTRAP": stack.bootstrap,
            "DATABASE_URL": database_url,
            "KOLAJ_TOPIC_PREFIX": topic_prefix,
            "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
            "KOLAJ_PUBLIC_URL": "https://pay.example.com",
            "KOLAJ_RETURN_ORIGINS": "https://shop.example.com",
        }
    )


def brief(parts: Parts) -> Parts:
    """Streams and waits that end at once: a checker reads an answer to its end."""
    at_once = asyncio.Event()
    at_once.set()
    events = replace(parts.events, lives_s=0.2, places=Places(total=50, each=50))
    return replace(parts, events=events, commands=replace(parts.commands, stopping=at_once))


async def checked(url: str, folder: Path, seed: int, *more: str) -> tuple[int, str]:
    """How a run of schemathesis ended, and what it said."""
    command = Path(sys.executable).with_name("schemathesis")
    shutil.copy(HERE / "schemathesis.toml", folder)
    process = await asyncio.create_subprocess_exec(
        *(str(command), "run", f"{url}/v1/openapi.json", "--header", "Authorization: Bearer shop", "--checks", "all"),
        *("--phases", "examples,coverage,fuzzing", "--mode", "all", "--seed", str(seed), "--max-examples", EXAMPLES),
        *("--exclude-path-regex", f"^/v1/commands/({PASSED_OVER})$"),
        *("--no-color", "--generation-database", "none", "--request-timeout", "30", *more),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode()


@pytest.mark.timeout(600)  # some hundred requests, on a machine that may be busy
async def test_every_operation_keeps_to_the_contract(settings: Settings, tmp_path: Path) -> None:
    async with running_api(settings, change=brief) as api:
        code, said = await checked(api.url, tmp_path, 7)
    assert code == 0, said
