"""`kolaj topics` and `kolaj migrate --roles`, which a deployment runs before processes that may do neither."""

import json
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from infra.cli.failing import Failed
from infra.cli.migrate import app as migrate
from infra.cli.topics import app as topics
from infra.local import LocalStack
from tests.stack import fresh_database, fresh_name


@pytest.fixture
def prefix() -> str:
    return fresh_name("t")


def run(app: Any, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--json"], env=environment)


def test_topics_are_missing_until_they_were_created(stack: LocalStack, prefix: str) -> None:
    known = {"KAFKA_BOOTSTRAP": stack.bootstrap, "KOLAJ_TOPIC_PREFIX": prefix, "KOLAJ_PARTITIONS": "1"}
    before, created, after = (run(topics, *words, **known) for words in (["--check"], [], ["--check"]))
    missing = json.loads(before.stdout)["missing"]
    assert isinstance(before.exception, Failed)
    assert f"{prefix}.payments.commands" in missing
    assert f"{prefix}.environment" in missing
    assert set(missing) - set(json.loads(created.stdout)["created"]) == {f"{prefix}.environment"}
    assert (after.exit_code, json.loads(after.stdout)) == (0, {"missing": []})


@pytest_asyncio.fixture
async def fresh(stack: LocalStack) -> Any:
    async with fresh_database(stack.database_url) as url:
        yield url


def test_roles_are_made_and_own_the_database(fresh: str) -> None:
    assert run(migrate, "--roles", DATABASE_URL=fresh).exit_code == 0
    assert json.loads(run(migrate, "--check", DATABASE_URL=fresh).stdout) == {"pending": []}
