"""A day of stored cards, raw cards, mistakes and changed secrets, and everything that it leaves behind."""

import asyncio
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from agents.vault.keyring import decode_key
from agents.vault.subjects import Subjects
from infra.children import Children
from infra.credential_store import key_ring
from infra.sandbox.iyzico import WALLET_TOKENS, FaultKind, FaultOrder, Keys, Sandbox
from providers.connector import Card
from schemas.ids import new_id
from schemas.payments import CardRef, CreatePayment, PaymentCommand
from tests.acceptance.command_line import kolaj
from tests.acceptance.corners import records_of, tables_of
from tests.acceptance.orders import Orders, a_payment, a_stored_card, with_key
from tests.acceptance.searching import holding
from tests.acceptance.weighing import assert_balanced
from tests.builders import (
    SHOP,
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

PROCESSES = ("worker", "projector", "gateway")
STORED: Final = "iyzico-stored"
"""The account whose secrets lie in the store of credentials, and are rotated under way."""
FIRST: Final = Keys("sandbox-first/Apı+Key=&%3D01", "sandbox-first/Secret+Key=&%3D02")
"""Not the right ones, and spelled so that each way of writing them is another one."""
SECOND: Final = Keys("sandbox-secondApiKey7312", "sandbox-secondSecretKey7313")


@dataclass(frozen=True)
class Clear:
    """Where something may stand in the clear, by how the names of such places begin."""

    place: str
    kinds: frozenset[str]
    why: str


CLEAR = (
    Clear("topic payments.commands", frozenset({"person", "token"}), "publishers' own orders, kept for 7 days"),
    Clear("topic dead-letters", frozenset({"person", "token"}), "publishers' own records, kept for 30 days"),
    Clear("mistake", frozenset({"person", "token", "card"}), "a card that a publisher wrote into its own command"),
    Clear("kolaj dead-letters show", frozenset({"person", "token"}), "shows a dead letter whole, to who may read them"),
    Clear("kolaj api-keys create", frozenset({"key"}), "shows a new key, this once"),
    Clear("kolaj privacy export", frozenset({"person", "token"}), "is there to show all that is held of a person"),
)


@dataclass(frozen=True)
class Day:
    """All that the day left behind, as bytes by where they were found.

    Attributes:
        secrets: by what they are called: all ways to give the same secret.
        vault: how many cards were put into it, and how many were left.
    """

    hub: Hub
    commands: Mapping[UUID, UUID]
    places: Mapping[str, bytes]
    secrets: Mapping[str, Sequence[str | bytes]]
    vault: Mapping[str, int]

    def holding(self, kind: str, *values: str | bytes) -> list[str]:
        """The places where one of the values stands, without those where this kind may stand in the clear."""
        allowed = tuple(clear.place for clear in CLEAR if kind in clear.kinds)
        return holding({name: held for name, held in self.places.items() if not name.startswith(allowed)}, values)

    def names(self, beginning: str) -> list[str]:
        return [name for name in self.places if name.startswith(beginning)]


async def live(hub: Hub, children: Children, folder: Path, stored: Sandbox, token: str) -> Day:
    """A day at the shop, and then a look into every corner."""
    cards = await _with_cards(hub)
    commands = {new_id(): command for command in _shopping(cards)}
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(_open_the_account(hub, stored))
        shopping = tasks.create_task(_shop(hub, commands))
    said = opening.result()
    parked, mistakes, dead_letter = shopping.result()
    said |= await _change_the_keys(hub)
    shown, key = await _call_the_edge(hub, token)
    said |= shown
    said |= await _look_at_everything(hub, next(iter(commands)), dead_letter)
    await children.stop()
    places = {f"output of {process}": (folder / f"{process}.log").read_bytes() for process in PROCESSES} | said
    places |= await _records(hub, mistakes)
    async with hub.database() as database:
        places |= await tables_of(database) | {"table ledger.parked, meanwhile": parked}
        left = await database.fetchval(
            "select (select count(*) from vault.cards) + (select count(*) from vault.card_codes)"
        )
    by_payment = {command_id: command.payment_id for command_id, command in commands.items()}
    secrets = await _secrets(hub) | {"token of a client": [token], "api key of a caller": [key]}
    return Day(hub, by_payment, places, secrets, {"put": len(cards), "left": left})


async def _shop(hub: Hub, commands: Mapping[UUID, PaymentCommand]) -> tuple[bytes, frozenset[tuple[int, int]], str]:
    """Everything is paid for, and three records are wrong.

    Returns:
        What lay parked meanwhile, where the wrong records lie, and the dead letter of the first of them.
    """
    orders = Orders(hub)
    hub.sandbox.faults.order(FaultOrder(FaultKind.TRUNCATED, "/payment/auth", count=1))
    hub.sandbox.faults.order(FaultOrder(FaultKind.GARBAGE, "/v2/payment/refund", count=1))
    # Told to come later for so long that the command lies parked meanwhile.
    hub.sandbox.faults.order(FaultOrder(FaultKind.TOO_MANY, "/payment/postauth", count=9))
    await hub.publish([orders.record(command, command_id) for command_id, command in commands.items()])
    parked = await _parked(hub)
    spoilt = orders.record(_shopper(order_id=RAW[GOOD]))
    noted = orders.record(_shopper()).with_header("note", f"card {RAW[LATE]}".encode())
    wrong = with_key(orders.record(_shopper()), RAW[DECLINED].encode())
    mistakes = await hub.publish([spoilt, noted, wrong])
    dead = [await hub.dead_letter(position) for position in mistakes]
    await hub.results(commands, within_s=60)
    await assert_balanced(hub, {command_id: command.payment_id for command_id, command in commands.items()})
    return parked, frozenset((position.partition, position.offset) for position in mistakes), dead[0].place


async def _open_the_account(hub: Hub, stored: Sandbox) -> dict[str, bytes]:
    """An account of the registry, with secrets in the store that its provider will not take."""
    url = f"base_url={stored.base_url}"
    return {
        **await _run(hub, "integrations add", STORED, "--provider", "iyzico", "--set", url, "--by", "Işıl"),
        **await _run(hub, "credentials set", STORED, "--by", "Işıl", stdin=_as_json(FIRST)),
    }


async def _change_the_keys(hub: Hub) -> dict[str, bytes]:
    """Used, refused, rotated, and used again."""
    orders = Orders(hub)
    refused = await orders.result(_shopper(integration_id=STORED))
    assert refused.verdict == "refused"
    said = await _run(
        hub, "credentials rotate", STORED, "--by", "Işıl", "--overlap", "600", "--json", stdin=_as_json(SECOND)
    )
    async with asyncio.timeout(60):
        while (await orders.result(_shopper(integration_id=STORED))).verdict != "accepted":
            pass
    return said


async def _call_the_edge(hub: Hub, token: str) -> tuple[dict[str, bytes], str]:
    """A caller with a key, a client with a token, and somebody who has half of each; what was said, and the key."""
    made = await _run(hub, "api-keys create", "shop", "payments:read", "--by", "Işıl")
    [key] = re.findall(r"kolaj_sk_\w+", next(iter(made.values())).decode())
    async with httpx.AsyncClient(base_url=f"http://{hub.settings.gateway_bind}", timeout=30) as client:
        for credential in (key, token, key[:-1], token[:-1]):
            for path in (f"/v1/commands/{new_id()}", f"/v1/commands/{credential}", f"/v1/commands?key={credential}"):
                answer = await client.get(path, headers={"Authorization": f"Bearer {credential}"})
                assert answer.is_client_error
                made[f"answer of the edge to {len(made)}"] = answer.content + repr(answer.headers).encode()
    return made, key


async def _look_at_everything(hub: Hub, command_id: UUID, dead_letter: str) -> dict[str, bytes]:
    await hub.projected()
    person = ("--source", SHOP, "--buyer-id", PEOPLE["buyer_id"])
    looks = (
        ("credentials list", "--json"),
        ("credentials history", STORED),
        ("integrations show", STORED),
        ("doctor",),
        ("replay",),
        ("commands show", str(command_id)),
        ("dead-letters show", dead_letter),
        ("privacy export", *person),
    )
    turns = asyncio.Semaphore(3)

    async def look(command: str, *arguments: str) -> dict[str, bytes]:
        async with turns:
            return await _run(hub, command, *arguments)

    async with asyncio.TaskGroup() as tasks:
        looking = [tasks.create_task(look(*arguments)) for arguments in looks]
    return {name: said for task in looking for name, said in task.result().items()}


async def _run(hub: Hub, command: str, *arguments: str, stdin: str = "") -> dict[str, bytes]:
    done = await kolaj(hub, *command.split(), *arguments, stdin=stdin)
    # The doctor has something to say of a stack with one broker.
    assert done.code == 0 or command == "doctor", done.err
    return {" ".join(["kolaj", command, *arguments[:2]]): (done.out + done.err).encode()}


def _as_json(keys: Keys) -> str:
    return json.dumps({"api_key": keys.api_key, "secret_key": keys.secret_key})


async def _records(hub: Hub, mistakes: Collection[tuple[int, int]]) -> dict[str, bytes]:
    topics = hub.settings.topics
    found = {}
    for topic in topics.all():
        for place, held in (await records_of(hub.settings.kafka, topic.name)).items():
            wrong = topic == topics.payment_commands and place in mistakes
            name = "mistake" if wrong else f"topic {topic.name.removeprefix(topics.prefix + '.')}"
            found[f"{name} {place[0]}/{place[1]}"] = held
    return found


async def _secrets(hub: Hub) -> dict[str, Sequence[str | bytes]]:
    """Everything that opens something, as it was given and as the bytes that it stands for."""
    given, ring = hub.environment, key_ring(hub.settings)
    master, retired = (hub.settings.encryption_key, *hub.settings.retired_keys)
    assert master is not None
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        rows = await pool.fetch("select subject from vault.subjects")
        known = await Subjects(pool, ring).known(row["subject"] for row in rows)
    finally:
        await pool.close()
    return {
        "api key in a variable": [given["IYZICO_TEST_API_KEY"]],
        "secret key in a variable": [given["IYZICO_TEST_SECRET_KEY"]],
        "api key stored first": [FIRST.api_key],
        "secret key stored first": [FIRST.secret_key],
        "api key stored next": [SECOND.api_key],
        "secret key stored next": [SECOND.secret_key],
        "master key": _both(master),
        "retired master key": _both(retired),
        "database password": hub.settings.database_passwords,
        "kafka password": [given["KAFKA_PASSWORD"]],
        "password of the kafka key": [given["KAFKA_KEY_PASSWORD"]],
        "vault token": [given["VAULT_TOKEN"]],
        "keys of data subjects": [one.key for one in known.values() if one.key is not None],
    }


def _both(key: SecretStr) -> list[str | bytes]:
    return [key.get_secret_value(), decode_key(key)]


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
        return (await tables_of(database))["table ledger.parked"]
