import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from infra.sandbox.iyzico import (
    CARDS,
    WALLET_TOKENS,
    Books,
    Sandbox,
    run_iyzico_sandbox,
    running_sandbox,
)
from infra.sandbox.iyzico.faults import FaultPlan
from tests.sandbox_merchant import Merchant, a_card, a_merchant, a_payment, an_item

PROCESS = """
import sys
from infra.sandbox.iyzico import run_iyzico_sandbox
run_iyzico_sandbox(0, sys.argv[1], ["empty,path=/payment/bin/check"], tls=True, json=sys.argv[2] == "json")
"""


@asynccontextmanager
async def a_process(books: Path, form: str = "json") -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, str(books), form, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def first_line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return await process.stdout.readline()


@asynccontextmanager
async def merchant_of(told: dict[str, Any], books: Books) -> AsyncIterator[Merchant]:
    sandbox = Sandbox(told["base_url"], None, None, told["api_key"], told["secret_key"], books, FaultPlan())
    async with a_merchant(sandbox) as merchant:
        yield merchant


async def test_totals_balance_over_a_day_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    async with running_sandbox(books=path) as sandbox, a_merchant(sandbox) as merchant:
        paid = await merchant.pay("100.00", conversationId="c-paid")
        await merchant.post(
            "/v2/payment/refund", {"paymentId": paid["paymentId"], "price": "30", "conversationId": "r"}
        )
        voided = await merchant.pay("50.00")
        await merchant.post("/payment/cancel", {"paymentId": voided["paymentId"], "conversationId": "v"})
        await merchant.hold("20.00")
        held = await merchant.hold("40.00")
        await merchant.post("/payment/postauth", {"paymentId": held["paymentId"], "paidPrice": "25.50"})
        await merchant.pay("10.00", currency="EUR", paymentCard=a_card("5400010000000004"))
        await merchant.pay("99.00", paymentCard=a_card("4111111111111129"))
        totals, entries = sandbox.books.totals(), sandbox.books.entries()
        async with merchant.session.get(sandbox.admin_url + "books") as answer:
            shown = await answer.json()
    assert totals.by_state == {"charged": 3, "cancelled": 1, "held": 1, "declined": 1}
    assert (totals.charged_minor["TRY"], totals.charged_minor["EUR"]) == (10000 + 5000 + 2550, 1000)
    assert (totals.held_minor["TRY"], totals.cancelled_minor["TRY"], totals.refunded_minor["TRY"]) == (2000, 5000, 3000)
    assert (totals.net_minor["TRY"], totals.net_minor["EUR"]) == (10000 - 3000 + 2550, 1000)
    assert (totals.charges_by_conversation["c-paid"], totals.charged_more_than_once) == (1, ())
    assert totals.reversals_by_conversation == {"r": 1, "v": 1}
    assert len(totals.charges_by_conversation) == 5
    assert (shown["totals"]["net_minor"], len(shown["payments"])) == (dict(totals.net_minor), 6)
    with Books(path, read_only=True) as reader:
        assert (reader.totals(), reader.entries()) == (totals, entries)


async def test_the_books_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    async with running_sandbox(books=path) as sandbox, a_merchant(sandbox) as merchant:
        paid = await merchant.pay(paymentCard=a_card(registerCard=1))
        before = sandbox.books.entries()
    async with running_sandbox(books=path) as sandbox, a_merchant(sandbox) as merchant:
        assert sandbox.books.entries() == before
        stored = {"cardUserKey": paid["cardUserKey"], "cardToken": paid["cardToken"]}
        again = await merchant.pay(paymentCard=stored)
        refund = await merchant.post("/v2/payment/refund", {"paymentId": paid["paymentId"], "price": "100"})
    assert int(again["paymentId"]) > int(paid["paymentId"])
    assert refund["status"] == "success"


async def test_every_answered_charge_survives_a_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    async with a_process(path) as process:
        told = json.loads(await first_line(process))
        assert (told["pid"], told["books"]) == (process.pid, str(path))
        with Books(path, read_only=True) as books:
            async with merchant_of(told, books) as merchant:
                answered: list[str] = []

                async def keep_paying(name: int) -> None:
                    for count in range(10_000):
                        reply = await merchant.pay(conversationId=f"kill-{name}-{count}")
                        answered.append(reply["conversationId"])
                        if len(answered) == 60:
                            os.kill(told["pid"], signal.SIGKILL)

                results = await asyncio.gather(*(keep_paying(name) for name in range(8)), return_exceptions=True)
                assert all(isinstance(result, aiohttp.ClientError) for result in results), results
    with Books(path) as books:
        counts = books.totals().charges_by_conversation
    assert len(answered) >= 60
    assert [counts.get(conversation) for conversation in answered] == [1] * len(answered)


async def test_another_process_reads_the_books_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    async with a_process(path) as process:
        told = json.loads(await first_line(process))
        with Books(path, read_only=True) as books:
            async with merchant_of(told, books) as merchant:
                for count in range(1, 4):
                    await merchant.pay()
                    assert books.totals().payments == count
            with pytest.raises(RuntimeError, match="reading only"):
                await books.run(lambda connection: connection.total_changes)
        process.terminate()
        assert await process.wait() == 0


async def test_the_block_for_people_names_addresses_and_keys(tmp_path: Path) -> None:
    async with a_process(tmp_path / "books.db", "block") as process:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            block = (await process.stdout.readuntil(b"/__sandbox__/books\n")).decode()
        process.terminate()
        assert await process.wait() == 0
    assert all(word in block for word in ("http://127.0.0.1:", "https://127.0.0.1:", "ca.pem", "sandbox-kolaj"))


def test_a_wrong_fault_stops_the_start() -> None:
    with pytest.raises(ValueError, match="not one of"):
        run_iyzico_sandbox(faults=["sometimes"])


async def test_a_step_that_fails_leaves_nothing_and_its_neighbours_stand() -> None:
    def insert(name: str) -> Any:
        def step(connection: sqlite3.Connection) -> int:
            connection.execute("INSERT INTO used_marker (basket_id) VALUES (?)", (name,))
            if name == "bad":
                raise LookupError(name)
            return len(name)

        return step

    with Books() as books:
        results = await asyncio.gather(*(books.run(insert(n)) for n in ("a", "bad", "ccc")), return_exceptions=True)
        rows = await books.run(lambda connection: connection.execute("SELECT basket_id FROM used_marker").fetchall())
    assert [results[0], type(results[1]), results[2]] == [1, LookupError, 3]
    assert rows == [("a",), ("ccc",)]


async def test_no_card_number_reaches_the_log_or_the_books(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "books.db"
    with caplog.at_level(logging.DEBUG):
        async with running_sandbox(books=path) as sandbox, a_merchant(sandbox) as merchant:
            for card in CARDS:
                await merchant.pay(paymentCard=a_card(card.number, registerCard=1), conversationId=card.name)
            await merchant.post(f"/payment/{CARDS[0].number}", {"locale": "tr"})
            await merchant.send("GET", "/v2/reporting/payment/details", b"", query=f"?paymentId={CARDS[0].number}")
            seen = path.read_bytes() + path.with_name("books.db-wal").read_bytes()
    logged = json.dumps([record.__dict__ for record in caplog.records if "iyzico" in record.name], default=str)
    assert len(caplog.records) > len(CARDS)
    assert "/payment/auth" in logged
    assert not [number for number in WALLET_TOKENS.values() if number in logged or number.encode() in seen]


async def test_many_payments_at_once_are_each_booked_once() -> None:
    async with running_sandbox(latency_ms=2) as sandbox, a_merchant(sandbox) as merchant:
        bodies = [a_payment("3.00", basketItems=[an_item("1.00"), an_item("2.00")]) for _ in range(300)]
        replies = await asyncio.gather(*(merchant.post("/payment/auth", body) for body in bodies))
        totals = sandbox.books.totals()
    assert {reply["status"] for reply in replies} == {"success"}
    assert totals.charges_by_conversation == {body["conversationId"]: 1 for body in bodies}
    assert totals.charged_minor == {"TRY": 300 * 300}
