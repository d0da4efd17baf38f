"""Reads through the whole call machinery and the command line, against the sandbox."""

import asyncio
import json
import os
import sys

import pytest

from infra.sandbox.iyzico import Sandbox
from providers.outcome import Refusal
from schemas.payments import Reason
from schemas.payments.look_ups import BinLookUp, CardBin, InstalmentLookUp, InstalmentTable
from tests.builders import lira
from tests.integration.iyzico_shop import a_shop


async def test_a_bin_is_looked_up_once_for_all_who_ask() -> None:
    async with a_shop() as shop:
        question = BinLookUp(bin_number="45435900")
        answers = await asyncio.gather(*(shop.caller.read(shop.integration, "bin", question) for _ in range(20)))
        assert set(answers) == {answers[0]}
        card = answers[0]
        assert isinstance(card, CardBin)
        assert (card.association, card.card_type, card.family, card.bank_code) == ("VISA", "CREDIT_CARD", "Maximum", 64)
        await shop.caller.forget("shop", "bin")
        await shop.caller.read(shop.integration, "bin", question)
    assert [(exchange.operation, exchange.outcome) for exchange in shop.exchanges] == [("bin", "found")] * 2


async def test_a_bin_that_nobody_has_is_refused_and_asked_again() -> None:
    async with a_shop() as shop:
        for _ in range(2):
            found = await shop.caller.read(shop.integration, "bin", BinLookUp(bin_number="454671"))
            assert isinstance(found, Refusal)
            assert (found.reason, found.their_code) == (Reason.INCORRECT_CARD_DATA, "10213")
    assert [exchange.outcome for exchange in shop.exchanges] == ["refused"] * 2


async def test_the_instalment_table_adds_up_to_the_kurus() -> None:
    async with a_shop() as shop:
        question = InstalmentLookUp(price=lira("1499.90"), bin_number="552608")
        table = await shop.caller.read(shop.integration, "instalments", question)
        assert isinstance(table, InstalmentTable)
        [plan] = table.plans
        assert [offer.number for offer in plan.offers] == [1, 2, 3, 6, 9, 12]
        assert str(plan.offers[0].total) == "1499.90 TRY"
        for offer in plan.offers:
            assert abs(offer.each.minor * offer.number - offer.total.minor) <= offer.number
        families = await shop.caller.read(shop.integration, "instalments", InstalmentLookUp(price=lira("100.00")))
        assert isinstance(families, InstalmentTable)
        assert len({plan.family for plan in families.plans}) == len(families.plans) > 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("bin", "454359"), 0, "Maximum"),
        (("bin", "bin_number=454671"), 1, "10213"),
        (("bin", "45"), 2, "bin_number"),
        (("bin", "454359", "more"), 2, "no field"),
        (("instalments", "100.00TRY", "552608"), 0, "102.75 TRY"),
        (("instalments", "100,00TRY"), 2, "100.00TRY"),
        (("weather", "1"), 1, "bin, instalments"),
    ],
)
async def test_the_command_line_asks_and_says_what_was_wrong(arguments: tuple[str, ...], code: int, says: str) -> None:
    async with a_shop() as shop:
        ended, out = await _kolaj(shop.sandbox, "integrations", "read", "shop", *arguments)
    assert ended == code, out
    assert says in out


async def test_the_command_line_writes_json() -> None:
    async with a_shop() as shop:
        code, out = await _kolaj(shop.sandbox, "integrations", "read", "shop", "bin", "454359", "--json")
        assert (code, json.loads(out)["bank_code"]) == (0, 64)
        code, out = await _kolaj(shop.sandbox, "integrations", "read", "nobody", "bin", "454359")
    assert code == 1
    assert "shop is" in out


async def _kolaj(sandbox: Sandbox, *arguments: str) -> tuple[int, str]:
    entry = {"id": "shop", "provider": "iyzico", "base_url": sandbox.base_url}
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "KOLAJ_INTEGRATIONS": json.dumps([entry]),
        "SHOP_API_KEY": sandbox.api_key,
        "SHOP_SECRET_KEY": sandbox.secret_key,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()
