"""After a day with stored cards, raw cards and mistakes: no secret, card or person stands where none belongs."""

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from infra.children import Children
from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.iyzico import running_sandbox
from streams.codec import Outgoing
from tests.acceptance.corners import records_of, tables_of
from tests.acceptance.leavings import (
    CLEAR,
    CODE,
    HOLDER,
    MONTH,
    PEOPLE,
    PLACE,
    PROCESSES,
    RAW,
    SECOND,
    YEAR,
    Clear,
    Day,
    live,
)
from tests.acceptance.searching import holding
from tests.hub import running_hub
from tests.master_keys import a_master_key
from tests.token_issuer import running_issuer

# A whole day with twelve commands of the command line, each a process of its own, before the first test.
pytestmark = pytest.mark.timeout(400)
PERSON = {**PEOPLE, **PLACE}
SECRETS = (
    "api key in a variable",
    "secret key in a variable",
    "api key stored first",
    "secret key stored first",
    "api key stored next",
    "secret key stored next",
    "master key",
    "retired master key",
    "database password",
    "kafka password",
    "password of the kafka key",
    "vault token",
    "keys of data subjects",
    "token of a client",
)
WALLET = "sandbox-wallet"
GIVEN = {
    "KOLAJ_LOG_LEVEL": "DEBUG",
    "INTEGRATION_ENCRYPTION_KEYS_RETIRED": a_master_key().get_secret_value(),
    # Not asked for by this stack, but given to every process of it.
    "KAFKA_PASSWORD": "kafka-" + os.urandom(12).hex(),
    "KAFKA_KEY_PASSWORD": "pem-" + os.urandom(12).hex(),
    "VAULT_TOKEN": "hvs." + os.urandom(12).hex(),
}


@pytest_asyncio.fixture(scope="module")
async def day(
    stack: LocalStack, database_url: str, topic_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    folder = tmp_path_factory.mktemp("processes")
    [port] = free_ports(1)
    async with running_sandbox(keys=SECOND) as stored, running_issuer() as issuer, AsyncExitStack() as opened:
        edge = {"KOLAJ_GATEWAY_BIND": f"127.0.0.1:{port}", **issuer.environment}
        running = running_hub(
            stack.bootstrap, database_url, topic_prefix, workers=0, projectors=0, overrides=GIVEN | edge
        )
        hub = await opened.enter_async_context(running)
        children = Children(folder, hub.environment)
        try:
            for process in PROCESSES:
                await children.start(process, [process, "--json"])
            yield await live(hub, children, folder, stored, issuer.token())
        finally:
            await children.stop()


async def test_the_day_was_a_real_one(day: Day) -> None:
    verdicts = {(await day.hub.results([command_id]))[command_id].verdict for command_id in day.commands}
    assert verdicts == {"accepted", "refused"}
    assert day.vault["put"] == 3
    output = day.places["output of worker"]
    assert all(b'"command_id": "%s"' % str(command_id).encode() in output for command_id in day.commands)
    assert b'"level": "DEBUG"' in output
    named = {name.split(" ")[1] for name in day.names("topic ")}
    topics = {topic.name.removeprefix(day.hub.settings.topics.prefix + ".") for topic in day.hub.settings.topics.all()}
    idle = {"privacy.events", "webhooks.events", "retries.1s", "retries.3s"}
    assert topics - named <= idle, "nobody is erased, no provider calls, and one wait is enough"
    assert {name for name in topics & named if name.startswith("retries.")}
    assert day.places["table ledger.parked, meanwhile"].count(b"\n") > 1
    assert {name.split(".")[0] for name in day.names("table ")} == {f"table {name}" for name in SCHEMAS}
    assert len(day.names("kolaj ")) == 12
    assert len(day.names("answer of the edge ")) == 12


SCHEMAS = ("public", "ledger", "registry", "vault", "gateway")


@pytest.mark.parametrize("secret", SECRETS)
async def test_no_secret_stands_anywhere(day: Day, secret: str) -> None:
    assert all(len(value) > 15 for value in day.secrets[secret])
    assert day.holding("secret", *day.secrets[secret]) == []


async def test_a_callers_key_stands_where_it_was_made_alone(day: Day) -> None:
    """Its prefix may stand anywhere; the part that opens may not."""
    [key] = (str(value) for value in day.secrets["api key of a caller"])
    secret = key.rpartition("_")[2]
    assert day.holding("key", secret, secret[:43]) == []
    assert holding(dict(day.places), [key]) == ["kolaj api-keys create shop payments:read"]


async def test_every_secret_of_the_day_is_searched_for(day: Day) -> None:
    assert set(day.secrets) == {*SECRETS, "api key of a caller"}
    assert len({value for values in day.secrets.values() for value in values}) >= 15


@pytest.mark.parametrize("number", RAW.values(), ids=RAW)
async def test_no_card_number_stands_anywhere(day: Day, number: str) -> None:
    groups = [number[at : at + 4] for at in range(0, 16, 4)]
    assert day.holding("card", number, " ".join(groups), "-".join(groups)) == []


@pytest.mark.parametrize("value", [CODE, YEAR], ids=["verification code", "expiry"])
async def test_nothing_else_of_a_card_stands_anywhere(day: Day, value: str) -> None:
    """So short that chance would find it: searched for as a text in quotation marks."""
    assert day.holding("card detail", f'"{value}"', f"'{value}'", f"{MONTH}/{value}", f"{MONTH}{value}") == []


async def test_no_holder_of_a_card_stands_anywhere(day: Day) -> None:
    assert day.holding("holder", HOLDER, *HOLDER.split()) == []


async def test_a_token_of_a_stored_card_stands_in_its_command_alone(day: Day) -> None:
    assert day.holding("token", WALLET) == []


@pytest.mark.parametrize("field", PERSON)
async def test_a_person_stands_only_where_it_is_for_days_or_asked_for(day: Day, field: str) -> None:
    assert day.holding("person", PERSON[field]) == []


@pytest.mark.parametrize("clear", CLEAR, ids=lambda clear: clear.place)
async def test_each_exception_is_one(day: Day, clear: Clear) -> None:
    """What is not needed any more may not stay on the list."""
    values = {"person": PERSON.values(), "token": [WALLET], "card": RAW.values()}
    values["key"] = [str(value) for value in day.secrets["api key of a caller"]]
    there = {name: day.places[name] for name in day.names(clear.place)}
    assert {kind for kind in clear.kinds if holding(there, values[kind])} == clear.kinds


async def test_the_vault_is_empty_once_the_payments_are_concluded(day: Day) -> None:
    assert day.vault["left"] == 0
    assert day.places["table vault.cards"] == b""
    assert day.places["table vault.card_codes"] == b""


async def test_the_search_finds_what_is_there(day: Day) -> None:
    command = str(next(iter(day.commands)))
    found = day.holding("order", command)
    assert {"output of worker", "table ledger.commands", f"kolaj commands show {command}"} <= set(found)
    assert any(name.startswith("topic payments.events") for name in found)


@pytest.mark.parametrize("column", ["text", "jsonb", "bytea", "text[]", "bytea[]"])
async def test_a_leak_that_was_planted_in_a_table_is_found(day: Day, column: str) -> None:
    secret = "gizli/Şifre+42=é%"
    value = {
        "jsonb": json.dumps({"deep": [secret]}),
        "bytea": b"\x00\xff" + secret.encode() + b"\xfe",
        "text[]": [secret],
        "bytea[]": [b"\xff" + secret.encode()],
    }.get(column, f"told: {base64.b64encode(secret.encode()).decode()}")
    async with day.hub.database() as database, database.transaction():
        await database.execute(f"create schema planted create table here (held {column})")
        await database.execute("insert into planted.here values ($1)", value)
        tables = await tables_of(database)
        await database.execute("drop schema planted cascade")
    assert holding(tables, [secret]) == ["table planted.here"]


@pytest.mark.parametrize("part", ["key", "value", "header", "name of a header"])
async def test_a_leak_that_was_planted_in_a_record_is_found(day: Day, part: str) -> None:
    secret = f"gizli-{part.replace(' ', '-')}-42"
    topic = day.hub.settings.topics.privacy_events.name
    headers = {"header": (("note", secret.encode().hex().encode()),), "name of a header": ((secret, b"1"),)}
    value = json.dumps({"body": json.dumps([secret])}).encode() if part == "value" else b"{}"
    record = Outgoing(topic, secret.encode() if part == "key" else b"key", value, headers.get(part, ()))
    (position,) = await day.hub.publish([record])
    found = {str(place): held for place, held in (await records_of(day.hub.settings.kafka, topic)).items()}
    assert holding(found, [secret]) == [str((position.partition, position.offset))]
