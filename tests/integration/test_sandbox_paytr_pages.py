"""The pages a buyer walks, with and without scripts."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from infra.sandbox.paytr import SECURE_CODE, FaultKind, FaultOrder, running_paytr_sandbox
from tests.browser import a_browser
from tests.paytr_store import BKM, CARD, DIRECT, PaytrStore, a_direct_form, a_store, an_oid, the_form
from tests.receiver import Got, receiver


@pytest_asyncio.fixture(scope="module")
async def store() -> AsyncIterator[PaytrStore]:
    async with running_paytr_sandbox() as sandbox, a_store(sandbox) as made:
        yield made


async def state_of(store: PaytrStore, oid: str) -> tuple[str, str | None]:
    (payment,) = [payment for payment in store.sandbox.books.entries() if payment.merchant_oid == oid]
    return payment.state, payment.reason_code


async def test_instalments_cost_more_than_the_order_and_the_store_gets_its_amount(store: PaytrStore) -> None:
    oid, page = await store.open_page(payment_amount="10000")
    bank, _ = await store.submit(page, action="pay", installment_count="3", **CARD)
    assert bank is not None
    async with store.session.get(bank) as answer:
        assert "105.79 TL" in await answer.text()
    await store.submit(bank, action="pay", code=SECURE_CODE)
    status = await store.status(oid)
    assert (status["payment_amount"], status["payment_total"], status["taksit"]) == ("100.00", "105.79", "3")
    assert status["net_tutar"] == "100.00"


async def test_a_page_without_instalments_refuses_them(store: PaytrStore) -> None:
    _, page = await store.open_page(no_installment="1")
    bank, shown = await store.submit(page, action="pay", installment_count="2", **CARD)
    assert (bank, "taksit yapılamaz" in shown) == (None, True)


async def test_a_wrong_card_is_told_on_the_page_and_can_be_corrected(store: PaytrStore) -> None:
    oid, page = await store.open_page()
    bank, shown = await store.submit(page, action="pay", **(CARD | {"card_number": "4111111111111111"}))
    assert (bank, "Kart bilgileri hatali" in shown) == (None, True)
    assert (await state_of(store, oid))[0] == "opened"
    leaves, _ = await store.pay_on_page(page)
    assert leaves == "https://shop.example/ok"


@pytest.mark.parametrize(("action", "code", "reason"), [("pay", "000000", "2"), ("cancel", "", "6")])
async def test_a_wrong_code_and_leaving_end_at_the_fail_address(
    store: PaytrStore, action: str, code: str, reason: str
) -> None:
    oid, page = await store.open_page()
    bank, _ = await store.submit(page, action="pay", **CARD)
    assert bank is not None
    leaves, _ = await store.submit(bank, action=action, code=code)
    assert leaves == "https://shop.example/fail"
    assert await state_of(store, oid) == ("failed", reason)
    _, shown = await store.submit(bank, action="pay", code=SECURE_CODE)
    assert "geçerli değil" in shown  # what is decided stays so


async def test_leaving_the_card_page_ends_the_payment(store: PaytrStore) -> None:
    oid, page = await store.open_page()
    assert (await store.submit(page, action="cancel"))[0] == "https://shop.example/fail"
    assert await state_of(store, oid) == ("failed", "6")


async def test_a_decline_ordered_with_the_page_comes_after_the_bank(store: PaytrStore) -> None:
    store.sandbox.faults.order(FaultOrder(FaultKind.DECLINE_3, path="/odeme/api/get-token", count=1))
    oid, page = await store.open_page()
    leaves, _ = await store.pay_on_page(page)
    assert (leaves, await state_of(store, oid)) == ("https://shop.example/fail", ("failed", "3"))


@pytest.mark.parametrize(
    ("code", "ends", "fields"),
    [
        (SECURE_CODE, "https://shop.example/ok", {}),
        ("1", "https://shop.example/fail", {"fail_message": "SMS şifresi doğru girilmedi"}),
    ],
)
async def test_a_direct_payment_with_the_bank_is_pages_from_end_to_end(
    store: PaytrStore, code: str, ends: str, fields: dict[str, str]
) -> None:
    form = a_direct_form(non_3d="0", sync_mode="0")
    bank, _ = the_form(await store.text("/odeme", form, DIRECT))
    assert (await store.status(form["merchant_oid"]))["err_no"] == "004"
    _, shown = await store.submit(bank, action="pay", code=code)
    assert the_form(shown) == (ends, fields)


async def test_a_direct_payment_without_the_bank_goes_straight_back(store: PaytrStore) -> None:
    form = a_direct_form(sync_mode="0")
    action, _ = the_form(await store.text("/odeme", form, DIRECT))
    assert (action, (await state_of(store, form["merchant_oid"]))[0]) == ("https://shop.example/ok", "paid")


async def test_the_bank_s_wallet_knows_its_users(store: PaytrStore) -> None:
    form = {"user_ip": "85.34.78.112", "merchant_oid": an_oid(), "email": "alici@example.com", "test_mode": "1"}
    form |= {"payment_amount": "1000", "payment_type": "bex", "installment_count": "0", "installment_options": ""}
    bank, _ = the_form(await store.text("/odeme", form, BKM))
    _, shown = await store.submit(bank, action="pay", code=SECURE_CODE, user="nobody@banka.com")
    assert "bulunamadı" in shown
    await store.submit(bank, action="pay", code=SECURE_CODE, user="0046@banka.com")
    assert (await store.status(form["merchant_oid"]))["payment_total"] == "10.00"


async def test_pages_that_do_not_exist_say_so(store: PaytrStore) -> None:
    for path in ("/odeme/guvenli/x", "/odeme/3d/x", "/odeme/api/x", "/link/x"):
        for answer in (
            await store.session.get(store.sandbox.base_url + path),
            await store.session.post(store.sandbox.base_url + path),
        ):
            assert "geçerli değil" in await answer.text()


async def test_a_link_is_paid_as_often_as_it_may_be(store: PaytrStore) -> None:
    link = await store.client.create_payment_link(name="Özel Tişört", price="14.45", min_count=1, max_count=1)
    wrong, shown = await store.submit(link["link"], action="pay", email="ş")
    assert (wrong, "email" in shown) == (None, True)
    assert (await store.submit(link["link"], action="pay", email="a@b.com"))[0] is not None
    assert "geçerli değil" in (await store.submit(link["link"], action="pay", email="a@b.com"))[1]


async def test_a_browser_pays_a_page_and_a_direct_payment(store: PaytrStore) -> None:
    async def thanks(_: web.BaseRequest, got: Got) -> web.StreamResponse:
        return web.Response(text=f"<h1>{got.path}</h1>", content_type="text/html")

    async with receiver() as shop, a_browser() as browser:
        shop.answer = thanks
        urls = {"merchant_ok_url": f"{shop.url}/ok", "merchant_fail_url": f"{shop.url}/fail"}
        oid, page = await store.open_page(payment_amount="10000", **urls)
        tab = await browser.new_page()
        await tab.goto(page)
        for name, value in CARD.items():
            await tab.fill(f"[name={name}]", value)
        await tab.select_option("[name=installment_count]", "2")
        await tab.click("[value=pay]")
        await tab.fill("[name=code]", SECURE_CODE)
        await tab.click("[value=pay]")
        await tab.wait_for_url(f"{shop.url}/ok")
        assert (await state_of(store, oid))[0] == "paid"
        form = a_direct_form(non_3d="0", sync_mode="0", **urls)
        await tab.set_content(await store.text("/odeme", form, DIRECT))
        await tab.click("[value=cancel]")
        await tab.wait_for_url(f"{shop.url}/fail")
        assert await state_of(store, form["merchant_oid"]) == ("failed", "6")
