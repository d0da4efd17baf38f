"""A day of stored cards, raw cards and mistakes, and everything that it leaves behind."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from infra.children import Children
from infra.credential_store import key_ring
from infra.sandbox.iyzico import WALLET_TOKENS, FaultKind, FaultOrder
from providers.connector import Card
from schemas.ids import new_id
from schemas.payments import CardRef, CreatePayment, PaymentCommand
from streams.reader import replay
from tests.acceptance.orders import Orders, a_payment, a_stored_card, with_key
from tests.acceptance.weighing import assert_balanced
from tests.builders import (
    a_buyer,
    a_cancel_payment,
    a_capture_payment,
    a_query_payment,
    a_refund_payment,
    an_address,
    lira,
)
from tests.hub import Hub

GOOD, DECLINED, LATE = "card-garanti-credit", "card-declined-10051", "card-isbank-credit"
RAW = {name: WALLET_TOKENS[name] for name in (GOOD, DECLINED, LATE)}
CODE, MONTH, YEAR, HOLDER = "8642", "11", "2039", "KARTSAHIBI GIZLIOGLU"
PEOPLE = {
    "name": "Gülbahar",
    "surname": "Tuğrulşahoğlu",
    "email": "gulbahar.t@ornek-posta.example",
    "identity_number": "61290847350",
    "phone": "+905397412586",
    "ip": "203.0.113.77",
    "buyer_id": "uye-5519-gulbahar",
}
PLACE = {"line": "Nergisçiçeği Sokağı 117/4", "city": "Şebinkarahisar", "zip_code": "28400-x"}


PROCESSES = ("worker", "projector")


@dataclass(frozen=True)
class Day:
    """All that the day left behind, as bytes by where they were found."""

    hub: Hub
    commands: Mapping[UUID, UUID]
    own: frozenset[tuple[str, int, int]]
    topics: Mapping[str, Mapping[tuple[str, int, int], bytes]]
    tables: Mapping[str, bytes]
    logs: Mapping[str, bytes]
    vault: Mapping[str, int]

    @property
    def places(self) -> dict[str, bytes]:
        """Everything but what publishers put on the command topic themselves."""
        records = {
            f"{name} {place}": text
            for name, found in self.topics.items()
            for place, text in found.items()
            if place not in self.own
        }
        return {**records, **self.tables, **self.logs}

    def holding(self, *needles: str) -> list[str]:
        """Where one of the texts stands: as itself, as JSON writes it, or as JSON within a row's text."""
        forms = {form for needle in needles for form in (needle, _escaped(needle), _escaped(_escaped(needle)))}
        return [name for name, text in self.places.items() if any(form.encode() in text for form in forms)]


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


async def live(hub: Hub, children: Children, folder: Path) -> Day:
    """A day at the shop, and then a look into every corner."""
    orders = Orders(hub)
    vault_before = await _with_cards(hub)
    commands: dict[UUID, UUID] = {}
    records = []
    for command in _shopping(vault_before):
        command_id = new_id()
        commands[command_id] = command.payment_id
        records.append(orders.record(command, command_id))
    hub.sandbox.faults.order(FaultOrder(FaultKind.TRUNCATED, "/payment/auth", count=1))
    hub.sandbox.faults.order(FaultOrder(FaultKind.GARBAGE, "/v2/payment/refund", count=1))
    # Told to come later for so long that the command lies parked meanwhile.
    hub.sandbox.faults.order(FaultOrder(FaultKind.TOO_MANY, "/payment/postauth", count=9))
    own = await hub.publish(records)
    parked = await _parked(hub)
    spoilt = orders.record(_shopper(order_id=RAW[GOOD]))
    noted = orders.record(_shopper()).with_header("note", f"card {RAW[LATE]}".encode())
    wrong = with_key(orders.record(_shopper()), RAW[DECLINED].encode())
    own += await hub.publish([spoilt, noted, wrong])
    for position in own[-3:]:
        await hub.dead_letter(position)
    await hub.results(commands, within_s=60)
    await assert_balanced(hub, commands)
    await children.stop()
    topics = {}
    for topic in hub.settings.topics.all():
        found = {}
        async for record in replay(hub.settings.kafka, topic.name):
            parts = [record.key or b"", record.value or b""]
            parts += [part for name, value in record.headers for part in (name.encode(), value or b"")]
            found[record.topic, record.partition, record.offset] = b"\n".join(parts)
        topics[topic.name] = found
    async with hub.database() as database:
        tables = await _tables(database)
        left = await database.fetchval(
            "select (select count(*) from vault.cards) + (select count(*) from vault.card_codes)"
        )
    tables["table ledger.parked, meanwhile"] = parked
    return Day(
        hub,
        commands,
        frozenset((position.topic, position.partition, position.offset) for position in own),
        topics,
        tables,
        _logs(folder),
        {"put": len(vault_before), "left": left},
    )


def _logs(folder: Path) -> dict[str, bytes]:
    return {f"log of {process}": (folder / f"{process}.log").read_bytes() for process in PROCESSES}


async def _with_cards(hub: Hub) -> dict[str, UUID]:
    """The raw cards in the vault, each for one payment."""
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    try:
        vault = CardVault(pool, key_ring(hub.settings))
        return {name: await vault.put(_card(number)) for name, number in RAW.items()}
    finally:
        await pool.close()


def _card(number: str) -> Card:
    return Card(SecretStr(number), SecretStr(HOLDER), SecretStr(MONTH), SecretStr(YEAR), SecretStr(CODE))


def _shopper(**changed: Any) -> CreatePayment:
    address = an_address(contact_name=f"{PEOPLE['name']} {PEOPLE['surname']}", **PLACE)
    buyer = a_buyer(**PEOPLE, address=address)
    given = {"buyer": buyer, "billing_address": address, "shipping_address": address}
    return a_payment(**(given | changed))


def _shopping(cards: Mapping[str, UUID]) -> list[PaymentCommand]:
    """Raw cards first: the first of them meets an answer that is cut off."""
    day: list[PaymentCommand] = [
        _shopper(method=CardRef(kind="card_ref", card_ref=card_ref)) for card_ref in cards.values()
    ]
    taken, held, cancelled = _shopper(), _shopper(capture="manual"), _shopper()
    day += [taken, held, cancelled, _shopper(method=a_stored_card(DECLINED)), _shopper(integration_id="nowhere")]
    day += [
        a_refund_payment(taken.payment_id, lira("2.00"), reason=f"{PEOPLE['name']} vazgeçti"),
        a_capture_payment(held.payment_id, lira("5.00")),
        a_cancel_payment(cancelled.payment_id, reason=f"{PEOPLE['surname']} aradı"),
        a_query_payment(taken.payment_id),
        a_query_payment(cancelled.payment_id),
    ]
    return day


async def _parked(hub: Hub) -> bytes:
    """What lies parked, as soon as something does; each look is a round trip, so nothing spins."""
    async with hub.database() as database:
        while not await database.fetchval("select count(*) from ledger.parked"):
            continue
        return (await _tables(database))["table ledger.parked"]


async def _tables(database: asyncpg.Connection) -> dict[str, bytes]:
    """Every row of every table, as text: what a dump of the database would hold."""
    names = await database.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    found = {}
    for (name,) in names:
        rows = await database.fetch(f"select t::text as row from {name} t")  # noqa: S608 - names of the catalogue
        text = "\n".join(row["row"] for row in rows)
        # Bytes show as hex; what is readable in them is readable in a dump too.
        readable = [bytes.fromhex(hexed) for hexed in re.findall(r"\\\\?x((?:[0-9a-f]{2})+)", text)]
        found[f"table {name}"] = text.encode() + b"\n" + b"\n".join(readable)
    return found
