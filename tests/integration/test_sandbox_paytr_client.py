"""The independent client for Python drives every operation that it has, unchanged but for the host."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio
from paytr import PayTRAPIError, PayTRClient

from infra.sandbox.paytr import WALLET_UTOKEN, Callbacks, Store, running_paytr_sandbox
from tests.paytr_store import PaytrStore, a_store, acknowledged, an_oid
from tests.receiver import Receiver, receiver

BASKET = [("Ürün 1", "18.00", 1), ("Ürün 2", "16.56", 1)]
BUYER: dict[str, Any] = {
    "email": "alici@example.com",
    "user_ip": "85.34.78.112",
    "user_name": "Ayşe Yılmaz",
    "user_address": "İstanbul",
    "user_phone": "05551112233",
    "user_basket": BASKET,
    "merchant_ok_url": "https://shop.example/ok",
    "merchant_fail_url": "https://shop.example/fail",
}


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        made.answer = acknowledged
        yield made


@pytest_asyncio.fixture(scope="module")
async def store(shop: Receiver) -> AsyncIterator[PaytrStore]:
    callbacks = Callbacks(url=f"{shop.url}/bildirim", first_s=0, before_return=True)
    async with running_paytr_sandbox(store=Store(callbacks=callbacks)) as sandbox, a_store(sandbox) as made:
        yield made


@pytest.fixture
def client(store: PaytrStore) -> PayTRClient:
    return store.client


def forms(shop: Receiver, oid: str) -> list[dict[str, str]]:
    told = [dict(parse_qsl(got.body.decode(), keep_blank_values=True)) for got in shop.got]
    return [form for form in told if form.get("merchant_oid") == oid]


async def paid(store: PaytrStore, amount: str = "34.56") -> str:
    oid = an_oid()
    reply = await store.client.recurring_payment(
        utoken=WALLET_UTOKEN, ctoken="sandboxvisa", merchant_oid=oid, payment_amount=amount, **BUYER
    )
    assert reply["status"] == "success"
    await store.sandbox.advance()
    return oid


async def test_a_page_is_opened_walked_and_told(client: PayTRClient, store: PaytrStore, shop: Receiver) -> None:
    oid = an_oid()
    reply = await client.create_iframe_token(merchant_oid=oid, payment_amount="34.56", **BUYER)
    assert (reply["status"], reply["payment_amount"]) == ("success", 3456)
    page = reply["iframe_url"].replace("https://www.paytr.com", store.sandbox.base_url)
    leaves, _ = await store.pay_on_page(page)
    assert leaves == "https://shop.example/ok"
    (form,) = forms(shop, oid)  # the store knew before the buyer was back
    callback = client.parse_callback(form)
    assert (callback.is_success, callback.is_test, callback.paid_minor_units) == (True, True, 3456)
    assert await client.handle_callback(form, lambda _: None) == ("OK", 200)


async def test_a_transfer_page_is_opened(client: PayTRClient, store: PaytrStore) -> None:
    reply = await client.create_iframe_token(merchant_oid=an_oid(), payment_amount="100", payment_type="eft", **BUYER)
    page = reply["iframe_url"].replace("https://www.paytr.com", store.sandbox.base_url)
    async with store.session.get(page) as answer:
        assert "Havale / EFT" in await answer.text()


async def test_a_stored_card_pays_without_the_buyer_and_the_status_knows(
    client: PayTRClient, store: PaytrStore
) -> None:
    oid = await paid(store)
    status = await client.status(oid)
    assert (status["payment_total"], status["currency"], status["returns"]) == ("34.56", "TL", [])
    with pytest.raises(PayTRAPIError) as caught:
        await client.status("NEVERSENT")
    assert caught.value.code == "004"


async def test_a_stored_card_that_is_not_there_is_refused(client: PayTRClient) -> None:
    with pytest.raises(PayTRAPIError) as caught:
        await client.recurring_payment(
            utoken=WALLET_UTOKEN, ctoken="gone", merchant_oid=an_oid(), payment_amount="1.00", **BUYER
        )
    assert (caught.value.payload["status"], caught.value.payload["try_again"]) == ("failed", False)


async def test_refunds_are_part_by_part_and_each_with_its_reference(client: PayTRClient, store: PaytrStore) -> None:
    oid = await paid(store)
    first = await client.refund(merchant_oid=oid, return_amount="11.90", reference_no="ref0001")
    assert (first["status"], first["return_amount"], first["reference_no"]) == ("success", "11.90", "ref0001")
    await client.refund(merchant_oid=oid, return_amount="22.66")
    with pytest.raises(PayTRAPIError) as caught:
        await client.refund(merchant_oid=oid, return_amount="0.01")
    assert caught.value.code == "009"
    returns = (await client.status(oid))["returns"]
    assert returns[0]["reference_no"] == "ref0001"
    assert len(returns) == 2


async def test_a_lost_refund_is_found_by_its_reference(client: PayTRClient, store: PaytrStore) -> None:
    oid = await paid(store)
    await store.order("faults", kind="500_after", path="/odeme/iade")
    reply = await client.refund(merchant_oid=oid, return_amount="5.00")
    assert reply["reconciled"] is True


async def test_cards_are_listed_and_deleted(client: PayTRClient, store: PaytrStore) -> None:
    _, kept = await store.pay(store_card="1")
    utoken = kept["utoken"]
    _, reply = await store.pay(store_card="1", utoken=utoken)
    first, card = await client.list_cards(utoken)
    assert first["ctoken"] == kept["ctoken"]
    assert (card["ctoken"], card["last_4"], card["require_cvv"]) == (reply["ctoken"], "4358", "0")
    assert (await client.delete_card(utoken=utoken, ctoken=card["ctoken"]))["status"] == "success"
    with pytest.raises(PayTRAPIError):
        await client.delete_card(utoken=utoken, ctoken=card["ctoken"])
    await client.delete_card(utoken=utoken, ctoken=first["ctoken"])
    with pytest.raises(PayTRAPIError):
        await client.list_cards(utoken)


async def test_bin_and_instalment_rates(client: PayTRClient) -> None:
    card = await client.bin_detail("43550843")
    assert (card["cardType"], card["brand"], card["schema"], card["bankCode"]) == ("credit", "axess", "VISA", "0046")
    with pytest.raises(PayTRAPIError):
        await client.bin_detail("999999")
    rates = await client.installment_rates("req123")
    assert rates["request_id"] == "req123"
    assert len(rates["oranlar"]["world"]) == 11


async def test_a_link_is_created_paid_told_and_deleted(client: PayTRClient, store: PaytrStore, shop: Receiver) -> None:
    link = await client.create_payment_link(
        name="Özel Tişört",
        price="14.45",
        min_count=1,
        callback_link=f"{shop.url}/link",
        callback_id="XXX595995",
        get_qr=True,
    )
    page, _ = await store.submit(link["link"], action="pay", email="alici@example.com")
    assert page is not None
    _, shown = await store.pay_on_page(page)
    assert "Ödeme alındı" in shown
    await store.sandbox.advance()
    form = dict(parse_qsl(shop.at("/link")[0].body.decode()))
    callback = client.parse_callback(form)
    assert (callback.raw["callback_id"], callback.paid_minor_units) == ("XXX595995", 1445)
    assert (await client.delete_payment_link(link["id"]))["status"] == "success"
    with pytest.raises(PayTRAPIError):
        await client.delete_payment_link(link["id"])
    async with store.session.get(link["link"]) as answer:
        assert "geçerli değil" in await answer.text()


async def test_a_link_for_one_bill(client: PayTRClient) -> None:
    link = await client.create_payment_link(
        name="Fatura 42", price="14.45", link_type="collection", email="alici@example.com"
    )
    assert link["status"] == "success"


async def test_reports(client: PayTRClient, store: PaytrStore) -> None:
    oid = await paid(store, "10.00")
    await client.refund(merchant_oid=oid, return_amount="4.00")
    span = {"start_date": "2020-01-01 00:00:00", "end_date": "2020-01-03 23:59:59"}
    assert await client.transaction_detail(**span) == {}
    assert (await client.transaction_detail(**span, dummy=True))["data"][0]["siparis_no"] == "DUMMY1"
    with pytest.raises(PayTRAPIError):
        await client.transaction_detail(start_date="2020-01-01 00:00:00", end_date="2020-01-04 00:00:00")
    assert await client.payment_detail("2020-01-01") == {}
    assert "future_payments" in await client.payment_statement(start_date="2020-01-01", end_date="2020-01-31")
    with pytest.raises(PayTRAPIError):
        await client.payment_statement(start_date="2020-01-01", end_date="2020-02-01")
