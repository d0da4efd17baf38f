"""After a day with stored cards, raw cards and mistakes: no secret, card or person stands where none belongs."""

import base64
import re
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio

from infra.children import Children
from infra.local import LocalStack
from tests.acceptance.leavings import CODE, HOLDER, PEOPLE, PLACE, PROCESSES, RAW, YEAR, Day, live
from tests.hub import running_hub


@pytest_asyncio.fixture(scope="module")
async def day(
    stack: LocalStack, database_url: str, topic_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    folder = tmp_path_factory.mktemp("processes")
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        workers=0,
        projectors=0,
        overrides={"KOLAJ_LOG_LEVEL": "DEBUG"},
    ) as hub:
        children = Children(folder, hub.environment)
        try:
            for process in PROCESSES:
                await children.start(process, [process, "--json"])
            yield await live(hub, children, folder)
        finally:
            await children.stop()


def _in_base64(text: str) -> list[str]:
    """How a text looks inside a longer one that is encoded, at each of the three alignments, its blurred ends cut."""
    return [base64.b64encode(b"\0" * shift + text.encode()).decode()[4:-4] for shift in range(3)]


async def test_the_day_was_a_real_one(day: Day) -> None:
    verdicts = {(await day.hub.results([command_id]))[command_id].verdict for command_id in day.commands}
    assert verdicts == {"accepted", "refused"}
    assert day.vault["put"] == 3
    assert set(day.logs) == {"log of worker", "log of projector"}
    assert day.logs["log of worker"].count(b"command concluded") == len(day.commands)
    assert len(day.topics) == 10
    quiet = (
        ".retries.",
        ".privacy.",
        ".integrations.commands",
    )  # nobody is erased, and the account stands in the settings
    assert all(found for name, found in day.topics.items() if not any(part in name for part in quiet))
    assert any(found for name, found in day.topics.items() if ".retries." in name)
    assert day.tables["table ledger.parked, meanwhile"].count(b"\n") > 1
    assert {"table ledger.commands", "table public.payment_transactions", "table vault.cards"} <= set(day.tables)


async def test_the_search_finds_what_is_there(day: Day) -> None:
    assert day.holding("order-1001"), "in tables and topics"
    command = next(iter(day.commands))
    assert "log of worker" in day.holding(str(command))
    assert "table ledger.commands" in day.holding("payments.created.v1")
    assert [place for place in day.own if PEOPLE["identity_number"].encode() in day.topics[place[0]][place]]


@pytest.mark.parametrize("secret", ["api key", "secret key", "encryption key", "database password"])
async def test_no_secret_stands_anywhere(day: Day, secret: str) -> None:
    environment = day.hub.environment
    value = {
        "api key": environment["IYZICO_TEST_API_KEY"],
        "secret key": environment["IYZICO_TEST_SECRET_KEY"],
        "encryption key": environment["INTEGRATION_ENCRYPTION_KEY"],
        "database password": urlsplit(environment["DATABASE_URL"]).password or "",
    }[secret]
    assert len(value) > 16
    assert day.holding(value, quote(value, safe=""), *_in_base64(value)) == []


@pytest.mark.parametrize("number", RAW.values(), ids=RAW)
async def test_no_card_number_stands_anywhere(day: Day, number: str) -> None:
    groups = [number[at : at + 4] for at in range(0, 16, 4)]
    assert day.holding(number, " ".join(groups), "-".join(groups), *_in_base64(number)) == []


async def test_no_verification_code_or_holder_or_token_stands_anywhere(day: Day) -> None:
    quoted = re.compile(rb"[\"'\\]" + CODE.encode() + rb"[\"'\\]")
    assert [name for name, text in day.places.items() if quoted.search(text)] == []
    expiry = re.compile(rb"[\"'\\]" + YEAR.encode() + rb"[\"'\\]")
    assert [name for name, text in day.places.items() if expiry.search(text)] == []
    assert day.holding(HOLDER) == []
    dead_letters = day.hub.settings.topics.dead_letters.name
    assert {name.split(" ")[0] for name in day.holding("sandbox-wallet")} <= {dead_letters}, "the publisher's own bytes"


async def test_the_vault_is_empty_once_the_payments_are_concluded(day: Day) -> None:
    assert day.vault["left"] == 0
    assert day.tables["table vault.cards"].strip() == b""
    assert day.tables["table vault.card_codes"].strip() == b""


@pytest.mark.parametrize("field", [*PEOPLE, *PLACE])
async def test_nothing_of_a_person_is_kept_for_ever(day: Day, field: str) -> None:
    """Only commands, kept for days, and what could not be read of them name people."""
    passing = {day.hub.settings.topics.payment_commands.name, day.hub.settings.topics.dead_letters.name}
    found = day.holding({**PEOPLE, **PLACE}[field])
    assert [name for name in found if name.split(" ")[0] not in passing] == []
