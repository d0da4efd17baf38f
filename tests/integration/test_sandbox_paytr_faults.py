"""What goes wrong at the socket, and what stands in the books then: they balance whatever the store was told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from infra.sandbox.paytr import Books, FaultKind, FaultOrder, running_paytr_sandbox
from tests.paytr_store import DIRECT, PaytrStore, a_direct_form, a_store

PERFORMED = {"500_after", "reset_after", "garbage", "truncated", "empty", "late"}


@pytest_asyncio.fixture(scope="module")
async def store() -> AsyncIterator[PaytrStore]:
    async with running_paytr_sandbox() as sandbox, a_store(sandbox) as made:
        yield made


def paid(store: PaytrStore, oid: str) -> bool:
    return any(p.merchant_oid == oid and p.state == "paid" for p in store.sandbox.books.entries())


async def answer_to(store: PaytrStore, form: dict[str, str]) -> tuple[int, str, str]:
    async with store.session.post(store.sandbox.base_url + "/odeme", data=store.sign(form, DIRECT)) as answer:
        return answer.status, answer.content_type, await answer.text()


async def late_operations(store: PaytrStore) -> int:
    async with store.session.get(store.sandbox.admin_url + "books") as answer:
        waiting: int = (await answer.json())["late_operations_waiting"]
        return waiting


@pytest.mark.parametrize(
    "kind", ["500_before", "429", "reset_before", "500_after", "reset_after", "garbage", "truncated", "empty", "late"]
)
async def test_a_fault_hits_one_payment_that_is_performed_or_not(store: PaytrStore, kind: str) -> None:
    await store.order("faults", kind=kind, path="/odeme", seconds=0)
    form = a_direct_form()
    try:
        status, content_type, text = await answer_to(store, form)
    except aiohttp.ClientError:
        assert kind.startswith("reset")
    else:
        expected = {"500_before": 500, "500_after": 500, "429": 429}.get(kind, 200)
        assert status == expected
        assert (text == '{"status":"success"}') is (kind == "late")
        assert (content_type == "application/json") is (kind in {"late", "truncated", "empty"})
    assert paid(store, form["merchant_oid"]) is (kind in PERFORMED)
    _, _, text = await answer_to(store, a_direct_form())
    assert json.loads(text) == {"status": "success"}


async def test_an_answer_that_never_comes_is_of_a_payment_that_was_made(store: PaytrStore) -> None:
    store.sandbox.faults.order(FaultOrder(FaultKind.NEVER, path="/odeme", count=1))
    form = a_direct_form()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(answer_to(store, form))
        while (await store.status(form["merchant_oid"]))["status"] != "success":
            assert not asked.done()
        asked.cancel()


async def test_a_payment_may_be_made_after_the_client_has_gone(store: PaytrStore) -> None:
    store.sandbox.faults.order(FaultOrder(FaultKind.PERFORM_LATE, path="/odeme", count=1, seconds=1800))
    form = a_direct_form()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(answer_to(store, form))
        while not await late_operations(store):
            assert not asked.done()
        asked.cancel()
    assert (await store.status(form["merchant_oid"]))["err_no"] == "004"  # absent, and yet to come
    await store.sandbox.advance(1800)
    async with asyncio.timeout(60):
        while (await store.status(form["merchant_oid"]))["status"] != "success":
            pass
    assert paid(store, form["merchant_oid"])


async def test_a_marker_that_names_no_fault_is_an_error(store: PaytrStore) -> None:
    status, _, text = await answer_to(store, a_direct_form(user_basket='[["fault-typo-1", "1.00", 1]]'))
    assert (status, "perform_late" in text) == (400, True)


async def test_the_books_balance_and_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    async with running_paytr_sandbox(books=path) as sandbox, a_store(sandbox) as store:
        first, _ = await store.pay("100.00")
        second, _ = await store.pay("19.99", currency="EUR", store_card="1")
        await store.pay(non3d_test_failed="1")
        await store.refund(first, "30.00", reference_no="r1")
        await store.refund(first, "0.01")
    async with running_paytr_sandbox(books=path) as sandbox, a_store(sandbox) as store:
        assert (await store.status(second))["payment_total"] == "19.99"
        assert (await store.refund(first, "70.00"))["err_no"] == "009"
        shown = await (await store.session.get(sandbox.admin_url + "books")).json()
    with Books(path, read_only=True) as books:
        totals = books.totals()
        assert totals.counts == {"paid": 2, "failed": 1}
        assert totals.paid_minor == {"TL": 10000, "EUR": 1999}
        assert totals.refunded_minor == {"TL": 3001}
        assert totals.balance_minor == {"TL": 10000 - 299 - 3001, "EUR": 1999 - 60}
        assert shown["totals"]["balance_minor"] == totals.balance_minor
        assert {payment.card_name for payment in books.entries()} == {"sandboxvisa"}
    assert b"4355084355084358" not in path.read_bytes()
