"""Whatever is published gives one clear result or one dead letter, and the next command of its lane is performed."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.ids import new_id
from schemas.money import INT64_MAX
from schemas.payments import CommandRejected, PaymentCreated
from streams.codec import MAX_VALUE_BYTES, Outgoing
from tests.acceptance.orders import Orders, a_payment, spoilt, with_key, with_value, without_header
from tests.builders import NOON
from tests.hub import Hub, running_hub

Spoil = Callable[[Outgoing], Outgoing]
CARD_NUMBER = "5311570000000005"
CARD_KEY = CARD_NUMBER.encode()


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest.fixture
def orders(hub: Hub) -> Orders:
    return Orders(hub)


def price(minor: Any, currency: str = "TRY") -> Spoil:
    """All three amounts of a creation, so that nothing but the amount itself is wrong."""

    def change(body: dict[str, Any]) -> None:
        amount = {"minor": minor, "currency": currency}
        body["price"] = body["paid_price"] = body["basket"][0]["price"] = amount

    return lambda record: spoilt(record, change)


def setting(**fields: Any) -> Spoil:
    return lambda record: spoilt(record, lambda body: body.update(fields))


def value(content: bytes | None) -> Spoil:
    return lambda record: with_value(record, content)


def header(name: str, content: bytes) -> Spoil:
    return lambda record: without_header(record, name).with_header(name, content)


def appended(text: bytes) -> Spoil:
    """More fields before the closing brace."""
    return lambda record: with_value(record, (record.value or b"")[:-1] + text)


REJECTED: list[tuple[str, Spoil, str, str]] = [
    ("amount 0", price(0), "invalid_field", "price.minor"),
    ("negative amount", price(-1250), "invalid_field", "price.minor"),
    ("amount above int64", price(INT64_MAX + 1), "invalid_field", "price.minor"),
    ("amount of a thousand digits", price(10**999), "invalid_field", "price.minor"),
    ("amount as text", price("1250"), "invalid_field", "price.minor"),
    ("amount as a whole float", price(1250.0), "invalid_field", "price.minor"),
    ("half a yen", price(9899.5, "JPY"), "invalid_field", "price.minor"),
    ("yen with two decimals", price(98.99, "JPY"), "invalid_field", "price.minor"),
    ("dinar with three decimals", price(1.234, "KWD"), "invalid_field", "price.minor"),
    ("lira with two decimals", price(12.5, "TRY"), "invalid_field", "price.minor"),
    ("unknown currency", price(1250, "XQQ"), "invalid_field", "price.currency"),
    ("currency in small letters", price(1250, "try"), "invalid_field", "price.currency"),
    ("currency without a minor unit", price(1250, "XAU"), "invalid_field", "price.currency"),
    ("price that is not the basket's", setting(price={"minor": 1300, "currency": "TRY"}), "invalid_field", "basket"),
    ("surcharge left out", setting(paid_price={"minor": 1300, "currency": "TRY"}), "invalid_field", "paid_price"),
    ("two currencies", setting(paid_price={"minor": 1250, "currency": "USD"}), "invalid_field", "paid_price"),
    ("empty basket", setting(basket=[]), "invalid_field", "basket"),
    ("no instalment", setting(instalments=0), "invalid_field", "instalments"),
    ("unknown field", setting(amount_minor=1250), "invalid_field", "amount_minor"),
    ("moment without an offset", setting(expires_at="2026-11-25T10:00:00"), "invalid_field", "expires_at"),
    ("unknown method", setting(method={"kind": "cash"}), "invalid_field", "method"),
    ("null name", setting(order_id="\x00"), "invalid_field", "order_id"),
    ("not JSON", value(b"{pay: 12.50}"), "not_json", ""),
    ("nothing at all", value(b""), "not_json", ""),
    ("not UTF-8", value(b'{"payment_id": "\xff"}'), "not_json", ""),
    ("deeply nested", value(b"[" * 100_000 + b"]" * 100_000), "not_json", ""),
    ("a number where an object belongs", value(b"12"), "invalid_field", ""),
    ("not a number", appended(b',"x":NaN}'), "not_json", ""),
    ("duplicate name", appended(b',"instalments":1,"instalments":12}'), "not_json", "instalments"),
    ("tombstone", value(None), "tombstone", ""),
    ("oversized", appended(b',"x":"' + b"a" * MAX_VALUE_BYTES + b'"}'), "oversized", ""),
    ("unknown type", header("ce_type", b"payments.charge.v1"), "unknown_type", "ce_type"),
    ("unknown version", header("ce_type", b"payments.create.v9"), "unknown_type", "ce_type"),
    ("another vocabulary's type", header("ce_type", b"payments.created.v1"), "unknown_type", "ce_type"),
    ("card number in a value", setting(order_id=CARD_NUMBER), "card_number", "order_id"),
    ("card number with blanks", setting(order_id="5311 5700 0000 0005"), "card_number", "order_id"),
    ("card number as a number", setting(order_id=int(CARD_NUMBER)), "card_number", "order_id"),
    ("card number as a name", setting(**{CARD_NUMBER: 1}), "card_number", "value"),
    ("card number in a header", header("tenant", CARD_KEY), "card_number", "tenant"),
    ("another payment's key", lambda record: with_key(record, str(new_id()).encode()), "invalid_key", "key"),
    ("no key", lambda record: with_key(record, None), "invalid_key", "key"),
]


@pytest.mark.parametrize(("spoil", "reason", "field"), [case[1:] for case in REJECTED], ids=[c[0] for c in REJECTED])
async def test_an_unreadable_record_is_one_dead_letter_and_one_rejection(
    hub: Hub, orders: Orders, spoil: Spoil, reason: str, field: str
) -> None:
    good = a_payment()
    bad_id, good_id = new_id(), new_id()
    bad, after = spoil(orders.record(good, bad_id)), orders.record(good, good_id)
    position, _ = await hub.publish([bad, after])

    rejected = await hub.event(CommandRejected, bad_id)
    dead = await hub.dead_letter(position)
    next_result = (await hub.results([good_id]))[good_id]

    assert isinstance(rejected, CommandRejected)
    assert (rejected.reason, rejected.field) == (dead.reason, dead.field) == (reason, field)
    assert (rejected.topic, rejected.partition, rejected.offset) == (dead.topic, dead.partition, dead.offset)
    assert rejected.detail
    if reason != "card_number":
        assert (dead.record.key, dead.record.value, dead.headers) == (bad.key, bad.value, bad.headers)
    assert isinstance(next_result, PaymentCreated), "the lane goes on"
    assert hub.copies(bad_id) == []


NAMELESS: list[tuple[str, Spoil, str, str]] = [
    ("no id", lambda record: without_header(record, "ce_id"), "missing_header", "ce_id"),
    ("an id that is none", header("ce_id", b"42"), "invalid_header", "ce_id"),
    ("no headers", lambda r: Outgoing(r.topic, r.key, r.value, ()), "missing_header", "ce_id"),
    ("two ids", lambda record: record.with_header("ce_id", b"x"), "invalid_header", "ce_id"),
    ("nothing", lambda record: Outgoing(record.topic, None, None, ()), "tombstone", ""),
    ("card number as key", lambda r: Outgoing(r.topic, CARD_KEY, r.value, ()), "missing_header", "ce_id"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "reason", "field"), [case[1:] for case in NAMELESS], ids=[c[0] for c in NAMELESS])
async def test_without_a_readable_id_there_is_a_dead_letter_alone(
    hub: Hub, orders: Orders, spoil: Spoil, reason: str, field: str
) -> None:
    good, good_id = a_payment(), new_id()
    position, _ = await hub.publish([spoil(orders.record(good)), orders.record(good, good_id)])

    dead = await hub.dead_letter(position)
    await hub.results([good_id])

    assert (dead.reason, dead.field) == (reason, field)
    place = (position.partition, position.offset)
    assert not [e for e in hub.events if isinstance(e, CommandRejected) and (e.partition, e.offset) == place]


@pytest.mark.parametrize("where", ["value", "header", "key"])
async def test_the_dead_letter_of_a_card_number_is_masked(hub: Hub, orders: Orders, where: str) -> None:
    record = orders.record(a_payment(order_id=CARD_NUMBER if where == "value" else "order-1"))
    if where == "header":
        record = record.with_header("note", f"card {CARD_NUMBER}".encode())
    if where == "key":
        record = with_key(record, CARD_KEY)
    (position,) = await hub.publish([record])

    dead = await hub.dead_letter(position)

    assert dead.masked
    assert dead.reason == "card_number"
    kept = repr(dead.record)
    assert CARD_NUMBER not in kept
    assert "************0005" in kept


async def test_a_used_id_with_another_body_changes_nothing(hub: Hub, orders: Orders) -> None:
    first, command_id = a_payment(), new_id()
    await hub.publish([orders.record(first, command_id)])
    await hub.results([command_id])
    told = hub.copies(command_id)

    other = first.model_copy(update={"order_id": "order-2"})
    elsewhere = a_payment()
    positions = await hub.publish([orders.record(other, command_id), orders.record(elsewhere, command_id)])
    dead = [await hub.dead_letter(position) for position in positions]
    await hub.until(lambda: len(_rejections(hub, command_id)) == 2)
    after = await orders.result(elsewhere)

    assert [(letter.reason, letter.field) for letter in dead] == [("command_id_conflict", "ce_id")] * 2
    assert {(one.reason, one.field) for one in _rejections(hub, command_id)} == {("command_id_conflict", "ce_id")}
    assert hub.copies(command_id) == told
    assert isinstance(after, PaymentCreated), "the other payment's lane is free"
    assert after.performed is not None
    charges = hub.sandbox.books.totals().charges_by_conversation
    assert charges[json.loads(told[0].value or b"")["performed"]["our_reference"]] == 1
    assert charges[after.performed.our_reference or ""] == 1


async def test_the_same_command_in_another_spelling_is_the_same_command(hub: Hub, orders: Orders) -> None:
    command, command_id = a_payment(), new_id()
    record = orders.record(command, command_id)
    spelled = with_value(record, json.dumps(json.loads(record.value or b""), indent=2, sort_keys=True).encode())
    await hub.publish([record, spelled])

    await hub.until(lambda: len(hub.copies(command_id)) == 2)

    first, again = hub.copies(command_id)
    assert again.value == first.value
    assert again.header("kolaj-republished") == b"1"
    assert again.header("ce_id") == first.header("ce_id")


async def test_a_command_that_came_too_late_is_refused_as_expired(orders: Orders) -> None:
    result = await orders.result(a_payment(expires_at=NOON - timedelta(days=3650)))
    assert (result.verdict, result.reason, result.failure, result.attempts) == ("refused", "expired", "invalid", 0)


def _rejections(hub: Hub, command_id: Any) -> list[CommandRejected]:
    return [event for event in hub.events if isinstance(event, CommandRejected) and event.command_id == command_id]
