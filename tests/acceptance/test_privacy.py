"""A person's data from payment to erasure: sealed where it is kept for ever, shown on request, unreadable after."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from infra.local import LocalStack
from projections.audit import verify
from projections.pool import open_pool
from schemas.payments import CreatePayment
from streams.reader import replay
from tests.acceptance.command_line import Done, kolaj
from tests.acceptance.leavings import PEOPLE, PLACE
from tests.acceptance.orders import Orders, a_payment, a_stored_card, spoilt
from tests.builders import SHOP, a_buyer, a_refund_payment, an_address, lira
from tests.hub import Hub, running_hub

DECLINED = "card-declined-10051"
IDENTITY = ("--source", SHOP, "--buyer-id", PEOPLE["buyer_id"])
KEPT = {name: value for name, value in {**PEOPLE, **PLACE}.items() if name not in {"identity_number", "ip"}}


def hers(**changed: Any) -> CreatePayment:
    address = an_address(contact_name=f"{PEOPLE['name']} {PEOPLE['surname']}", **PLACE)
    given = {"buyer": a_buyer(**PEOPLE, address=address), "billing_address": address, "shipping_address": address}
    return a_payment(lira("20.00"), **(given | changed))


@dataclass(frozen=True)
class Story:
    """What was seen before and after the erasure."""

    hub: Hub
    payments: tuple[UUID, ...]
    before: dict[str, Any]
    totals: list[Any]
    records: dict[str, bytes]
    erased: Done
    after: dict[str, Any]
    came_back: dict[str, Any]


async def export(hub: Hub, *arguments: str) -> dict[str, Any]:
    await hub.projected()
    done = await kolaj(hub, "privacy", "export", *arguments)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


async def totals(hub: Hub) -> list[Any]:
    async with hub.database() as database:
        return [tuple(row) for row in await database.fetch("select * from payment_totals order by payment_id")]


async def events(hub: Hub) -> dict[str, bytes]:
    found = {}
    async for record in replay(hub.settings.kafka, hub.settings.topics.payment_events.name):
        found[f"{record.partition}/{record.offset}"] = record.value or b""
    return found


async def restore(hub: Hub, backup: asyncpg.Record) -> None:
    """The subject as an older backup has it."""
    async with hub.database() as database:
        await database.execute("delete from vault.subjects where subject = $1", backup["subject"])
        await database.copy_records_to_table("subjects", schema_name="vault", records=[tuple(backup)])
    assert await has_key(hub, str(backup["subject"]))


async def has_key(hub: Hub, subject: str) -> bool:
    async with hub.database() as database:
        found: bool = await database.fetchval(
            "select sealed_key is not null from vault.subjects where subject = $1", UUID(subject)
        )
        return found


@pytest_asyncio.fixture(scope="module")
async def story(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Story]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as hub:
        orders = Orders(hub)
        bought, declined = hers(), hers(method=a_stored_card(DECLINED))
        results = await orders.results(bought, declined, a_payment())
        assert [result.verdict for result in results] == ["accepted", "refused", "accepted"]
        await orders.results(a_refund_payment(bought.payment_id, lira("5.00"), reason=f"{PEOPLE['name']} vazgeçti"))
        (position,) = await hub.publish([spoilt(orders.record(hers()), lambda body: body.pop("price"))])
        await hub.dead_letter(position)
        before = await export(hub, *IDENTITY)
        sums, records = await totals(hub), await events(hub)
        async with hub.database() as database:
            backup = await database.fetchrow("select * from vault.subjects where subject = $1", UUID(before["subject"]))
        erased = await kolaj(hub, "privacy", "erase", *IDENTITY, "--by", "Işıl", "--why", "asked", "--yes", "--json")
        after = await export(hub, before["subject"])
        await hub.projected()
        assert await totals(hub) == sums
        assert await events(hub) == records
        await restore(hub, backup)
        async with hub.worker():
            assert not await has_key(hub, before["subject"]), "the restored key went before anything was served"
        await orders.results(hers())
        came_back = await export(hub, *IDENTITY)
        payments = (bought.payment_id, declined.payment_id)
        yield Story(hub, payments, before, sums, records, erased, after, came_back)


def test_a_persons_results_name_her_sealed_and_nobody_else(story: Story) -> None:
    assert story.before["state"] == "sealed"
    assert sorted(event["type"] for event in story.before["events"]) == [
        "payments.created.v1",
        "payments.refunded.v1",
        "payments.refused.v1",
    ]
    assert {event["body"]["payment_id"] for event in story.before["events"]} == set(map(str, story.payments))


def test_an_export_shows_what_was_sealed(story: Story) -> None:
    for shown in (
        next(event["body"]["payer"]["fields"] for event in story.before["events"] if "payer" in event["body"]),
        next(row["payer"] for row in story.before["rows"]),
    ):
        assert {**shown, **shown["address"]}.items() >= KEPT.items()
        assert shown["source"] == SHOP
        assert "identity_number" not in shown


def test_an_export_shows_what_lies_in_the_clear_and_until_when(story: Story) -> None:
    places = [item["where"] for item in story.before["in_the_clear"]]
    assert sorted(places) == ["commands"] * 4 + ["dead letters"], "three creations, a refund, and a dead letter"
    assert all(item["kept_until"] > "2026" for item in story.before["in_the_clear"])


@pytest.mark.parametrize("field", [*PEOPLE, *PLACE])
def test_nothing_that_is_kept_for_ever_shows_a_personal_field(story: Story, field: str) -> None:
    value = {**PEOPLE, **PLACE}[field]
    forms = (value.encode(), json.dumps(value)[1:-1].encode())
    assert not [place for place, record in story.records.items() if any(form in record for form in forms)]


def test_an_erasure_says_what_is_still_in_the_clear(story: Story) -> None:
    assert story.erased.code == 0, story.erased.err
    (told,) = story.erased.lines
    assert told["subject"] == story.before["subject"]
    assert told["in_the_clear"]["records"] == 5
    assert told["in_the_clear"]["until"] > "2026"


def test_after_an_erasure_the_fields_read_as_erased_and_the_rest_as_before(story: Story) -> None:
    assert story.after["state"] == "erased"
    assert {event["body"]["payer"]["fields"] for event in story.after["events"] if "payer" in event["body"]} == {
        "erased"
    }
    assert {row["payer"] for row in story.after["rows"]} == {"erased"}
    plain = [{**row, "payer": None} for row in story.before["rows"]]
    assert [{**row, "payer": None} for row in story.after["rows"]] == plain


def test_who_comes_back_is_another_subject(story: Story) -> None:
    assert story.came_back["state"] == "sealed"
    assert story.came_back["subject"] != story.before["subject"]
    assert len(story.came_back["rows"]) == 1


async def test_the_audit_chain_holds_and_says_who_erased(story: Story) -> None:
    await story.hub.projected()
    pool = await open_pool(story.hub.settings.database_url.get_secret_value(), size=1)
    try:
        report = await verify(story.hub.settings.kafka, pool, story.hub.settings.topics)
    finally:
        await pool.close()
    assert report.difference is None
    async with story.hub.database() as database:
        (said,) = await database.fetch(
            "select request_data from integration_audit_logs where action = 'privacy.subject_erased.v1'"
        )
    assert json.loads(said[0]) == {"by": "Işıl", "why": "asked", "subject": story.before["subject"]}


async def test_a_rebuild_gives_the_same_table_after_an_erasure(story: Story) -> None:
    async with story.hub.database() as database:
        rows = (
            "select to_jsonb(t) - '{id,created_at,updated_at}'::text[] from payment_transactions t"
            " order by transaction_id"
        )
        before = [row[0] for row in await database.fetch(rows)]
        assert (await kolaj(story.hub, "projections", "rebuild", "payments")).code == 0
        assert [row[0] for row in await database.fetch(rows)] == before


async def test_nobody_is_erased_without_a_yes(story: Story) -> None:
    done = await kolaj(story.hub, "privacy", "erase", *IDENTITY, "--by", "Işıl", "--why", "asked")
    assert done.code == 1
    assert await has_key(story.hub, story.came_back["subject"])


async def test_an_unknown_subject_is_told(story: Story) -> None:
    done = await kolaj(
        story.hub, "privacy", "erase", "--source", "/shop", "--buyer-id", "nobody", "--by", "x", "--why", "y", "--yes"
    )
    assert done.code == 1
    assert "no such data subject" in done.err
