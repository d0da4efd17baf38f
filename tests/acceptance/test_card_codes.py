"""Verification codes are gone once their authorisation was sent and may have been performed, whatever came back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from agents.vault.keyring import KeyRing
from infra.children import Children
from infra.local import LocalStack
from infra.sandbox.iyzico import WALLET_TOKENS, FaultKind, FaultOrder
from providers.connector import Card
from schemas.payments import CardRef, CreatePayment
from tests.acceptance.orders import Orders, a_payment
from tests.hub import LOOK_AGAIN_S, Hub, running_hub

GOOD, DECLINED = "card-garanti-credit", "card-declined-10051"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(
        stack.bootstrap, database_url, topic_prefix, workers=0, projectors=0, absence_s=12
    ) as running:
        yield running


async def pay(hub: Hub, name: str) -> tuple[UUID, CreatePayment]:
    """A card in the vault, and the command that pays with it."""
    key = hub.settings.encryption_key
    assert key is not None
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        number = SecretStr(WALLET_TOKENS[name])
        card = Card(number, SecretStr("Işıl Çağrı"), SecretStr("11"), SecretStr("2039"), SecretStr("864"))
        card_ref = await CardVault(pool, KeyRing.of(key)).put(card)
    finally:
        await pool.close()
    return card_ref, a_payment(method=CardRef(kind="card_ref", card_ref=card_ref))


async def kept(hub: Hub, card_ref: UUID) -> tuple[int, int]:
    """Rows of the card, and of its code."""
    async with hub.database() as database:
        cards = await database.fetchval("select count(*) from vault.cards where card_ref = $1", card_ref)
        codes = await database.fetchval("select count(*) from vault.card_codes where card_ref = $1", card_ref)
        return cards, codes


async def until_kept(hub: Hub, card_ref: UUID, wanted: tuple[int, int]) -> None:
    async with asyncio.timeout(30):
        # What a worker deletes is seen in the database alone.
        while await kept(hub, card_ref) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN_S)


@pytest.mark.parametrize(("name", "verdict"), [(GOOD, "accepted"), (DECLINED, "refused")])
async def test_card_and_code_are_gone_once_the_payment_is_concluded(hub: Hub, name: str, verdict: str) -> None:
    card_ref, payment = await pay(hub, name)
    assert await kept(hub, card_ref) == (1, 1)
    async with hub.worker():
        assert (await Orders(hub).result(payment)).verdict == verdict
    assert await kept(hub, card_ref) == (0, 0)


async def test_the_code_is_gone_while_nobody_knows_what_became_of_the_payment(hub: Hub) -> None:
    hub.sandbox.faults.order(FaultOrder(FaultKind.GARBAGE, "/payment/auth", count=1))
    hub.sandbox.faults.order(FaultOrder(FaultKind.ERROR_BEFORE, "/payment/detail"))
    card_ref, payment = await pay(hub, GOOD)
    ids = await Orders(hub).publish(payment)
    try:
        async with hub.worker():
            await until_kept(hub, card_ref, (1, 0))
            hub.sandbox.faults.clear()
            assert (await hub.results(ids, within_s=45))[ids[0]].verdict == "accepted"
    finally:
        hub.sandbox.faults.clear()
    assert await kept(hub, card_ref) == (0, 0)


async def test_the_code_is_gone_after_a_worker_died_with_its_call_under_way(hub: Hub, tmp_path: Path) -> None:
    children = Children(tmp_path, hub.environment)
    hub.sandbox.faults.order(FaultOrder(FaultKind.NEVER, "/payment/auth", count=1))
    try:
        worker, _ = await children.start("killed", ["worker", "--json"])
        card_ref, payment = await pay(hub, GOOD)
        ids = await Orders(hub).publish(payment)
        await hub.booked(lambda _: all(used for _, used in hub.sandbox.faults.standing()))
        await children.kill(worker)
        assert await kept(hub, card_ref) == (1, 1)
        # The provider is not asked about it successfully, so that the payment stays open meanwhile.
        hub.sandbox.faults.order(FaultOrder(FaultKind.ERROR_BEFORE, "/payment/detail"))
        async with hub.worker():
            await until_kept(hub, card_ref, (1, 0))
            hub.sandbox.faults.clear()
            assert (await hub.results(ids, within_s=45))[ids[0]].verdict == "accepted"
    finally:
        hub.sandbox.faults.clear()
        await children.stop()
    assert await kept(hub, card_ref) == (0, 0)
    assert hub.sandbox.books.totals().charged_more_than_once == ()
