"""What the store is told, how often, and what waits for its answer. The clock is put ahead; nobody waits."""

import json
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio
from aiohttp import web
from paytr import PayTRSignatureError

from infra.sandbox.paytr import Callbacks, FaultKind, FaultOrder, Store, running_paytr_sandbox
from infra.sandbox.paytr.signing import cashout_hash, transfers_hash
from tests.paytr_store import EFT, TRANSFER, PaytrStore, a_store, acknowledged, an_oid, not_acknowledged
from tests.receiver import Got, Receiver, receiver

IBAN = "TR330006100519786457841326"


@pytest_asyncio.fixture(scope="module")
async def receiving() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def running(receiving: Receiver) -> AsyncIterator[PaytrStore]:
    callbacks = Callbacks(url=f"{receiving.url}/bildirim")
    async with running_paytr_sandbox(store=Store(callbacks=callbacks)) as sandbox, a_store(sandbox) as made:
        yield made


@pytest.fixture
def shop(receiving: Receiver) -> Receiver:
    receiving.answer = acknowledged
    return receiving


@pytest.fixture
def store(running: PaytrStore, receiving: Receiver) -> Iterator[PaytrStore]:
    yield running
    running.sandbox.store.callbacks = Callbacks(url=f"{receiving.url}/bildirim")
    running.sandbox.store.escaped_trans_ids = False


def told(shop: Receiver, oid: str) -> list[dict[str, str]]:
    forms = [dict(parse_qsl(got.body.decode(), keep_blank_values=True)) for got in shop.got]
    return [form for form in forms if form.get("merchant_oid") == oid]


async def test_a_success_says_what_was_paid(store: PaytrStore, shop: Receiver) -> None:
    oid, _ = await store.pay()
    assert told(shop, oid) == []
    await store.sandbox.advance(1)
    (form,) = told(shop, oid)
    assert store.client.parse_callback(form).is_success
    assert {name: form[name] for name in ("total_amount", "payment_amount", "currency", "installment_count")} == {
        "total_amount": "3456",
        "payment_amount": "3456",
        "currency": "TL",
        "installment_count": "1",
    }
    assert (form["payment_type"], form["test_mode"], form["merchant_id"]) == ("card", "1", store.sandbox.merchant_id)
    await store.sandbox.advance(3600)
    assert len(told(shop, oid)) == 1


async def test_the_store_may_hear_of_a_payment_before_its_own_request_is_answered(
    store: PaytrStore, shop: Receiver
) -> None:
    store.sandbox.store.callbacks = Callbacks(url=f"{shop.url}/bildirim", before_return=True)
    oid, _ = await store.pay()
    assert len(told(shop, oid)) == 1


async def test_a_test_is_told_as_one_and_every_payment_of_a_store_in_test(store: PaytrStore, shop: Receiver) -> None:
    live, _ = await store.pay(test_mode="0")
    store.sandbox.store.test_store = True
    tried, _ = await store.pay(test_mode="0")
    store.sandbox.store.test_store = False
    await store.sandbox.advance(1)
    assert [told(shop, oid)[0]["test_mode"] for oid in (live, tried)] == ["0", "1"]
    assert (await store.status(tried))["test_mode"] == "1"


async def test_a_failure_says_why_and_nothing_was_paid(store: PaytrStore, shop: Receiver) -> None:
    oid, _ = await store.pay(non3d_test_failed="1")
    await store.sandbox.advance(1)
    (form,) = told(shop, oid)
    assert not store.client.parse_callback(form).is_success
    assert (form["total_amount"], form["failed_reason_code"]) == ("0", "0")
    assert form["failed_reason_msg"].startswith("Kart hamili")


@pytest.mark.parametrize("body", ["OK\n", " OK", "ok", "\ufeffOK", "", "<html>OK</html>"])
async def test_anything_but_ok_is_asked_again_and_again_and_holds_refunds(
    store: PaytrStore, shop: Receiver, body: str
) -> None:
    async def answer(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(text=body)

    shop.answer = answer
    oid, _ = await store.pay()
    await store.sandbox.advance(1)
    for _ in range(3):
        await store.sandbox.advance(60)
    assert len(told(shop, oid)) == 4
    assert (await store.refund(oid, "1.00"))["err_no"] == "007"
    shop.answer = acknowledged
    await store.sandbox.advance(60)
    assert (await store.refund(oid, "1.00"))["status"] == "success"


async def test_ok_with_an_error_s_status_acknowledges_nothing(store: PaytrStore, shop: Receiver) -> None:
    async def answer(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(status=500, text="OK")

    shop.answer = answer
    oid, _ = await store.pay()
    await store.sandbox.advance(1)
    assert (await store.refund(oid, "1.00"))["err_no"] == "007"
    shop.answer = acknowledged
    await store.sandbox.advance(60)


async def test_what_was_acknowledged_may_come_again(store: PaytrStore, shop: Receiver) -> None:
    store.sandbox.store.callbacks = Callbacks(url=f"{shop.url}/bildirim", repeats=2)
    oid, _ = await store.pay()
    await store.sandbox.advance(1)
    for _ in range(5):
        await store.sandbox.advance(60)
    first, *others = told(shop, oid)
    assert others == [first, first]


async def test_a_call_may_come_with_a_wrong_hash_first_and_its_ok_counts_for_nothing(
    store: PaytrStore, shop: Receiver
) -> None:
    store.sandbox.store.callbacks = Callbacks(url=f"{shop.url}/bildirim", forge_every=1)
    oid, _ = await store.pay()
    await store.sandbox.advance(1)
    forged, true = told(shop, oid)
    with pytest.raises(PayTRSignatureError):
        store.client.parse_callback(forged)
    assert store.client.parse_callback(true).is_success


async def test_calls_need_not_come_in_the_order_of_their_events(store: PaytrStore, shop: Receiver) -> None:
    store.sandbox.store.callbacks = Callbacks(url=f"{shop.url}/bildirim", spread_s=600)
    oids = [(await store.pay())[0] for _ in range(12)]
    async with store.session.get(store.sandbox.admin_url + "callbacks") as answer:
        due_ms = {told["subject"]: told["due_ms"] for told in (await answer.json())["callbacks"]}
    assert sorted(oids, key=due_ms.__getitem__) != oids
    await store.sandbox.advance(601)
    assert all(len(told(shop, oid)) == 1 for oid in oids)


async def test_a_late_failure_of_an_earlier_attempt_can_come_after_a_success(store: PaytrStore, shop: Receiver) -> None:
    failed, _ = await store.pay(non3d_test_failed="1")
    paid, _ = await store.pay()
    await store.sandbox.advance(1)
    before = len(shop.got)
    assert (await store.order("callbacks", merchant_oid=failed))["answered"] == "OK"
    assert (await store.order("callbacks", merchant_oid=paid, forged=True))["answered"] == "OK"
    late, forged = (dict(parse_qsl(got.body.decode())) for got in shop.got[before:])
    assert (late["merchant_oid"], late["status"]) == (failed, "failed")
    with pytest.raises(PayTRSignatureError):
        store.client.parse_callback(forged)


async def test_a_callback_can_come_before_the_answer_to_an_undecided_payment_is_asked_for(
    store: PaytrStore, shop: Receiver
) -> None:
    store.sandbox.faults.order(FaultOrder(FaultKind.WAIT_FAILED, count=1, seconds=5))
    oid, reply = await store.pay()
    assert reply["status"] == "wait_callback"
    await store.sandbox.advance(4)
    assert told(shop, oid) == []
    await store.sandbox.advance(1)
    await store.sandbox.advance(1)
    assert [form["status"] for form in told(shop, oid)] == ["failed"]


async def test_a_page_that_nobody_finishes_fails_when_its_time_is_up(store: PaytrStore, shop: Receiver) -> None:
    oid, page = await store.open_page(timeout_limit="5")
    await store.sandbox.advance(299)
    assert told(shop, oid) == []
    await store.sandbox.advance(1)
    await store.sandbox.advance(1)
    (form,) = told(shop, oid)
    assert (form["failed_reason_code"], form["total_amount"]) == ("6", "3456")
    async with store.session.get(page) as answer:
        assert "geçerli değil" in await answer.text()


async def test_a_refund_is_refused_when_a_year_has_passed(store: PaytrStore, shop: Receiver) -> None:
    oid, _ = await store.pay()
    await store.sandbox.advance(1)
    assert told(shop, oid)
    await store.sandbox.advance(364 * 24 * 3600)
    assert (await store.refund(oid, "1.00"))["status"] == "success"
    await store.sandbox.advance(2 * 24 * 3600)
    assert (await store.refund(oid, "1.00"))["err_no"] == "011"


@pytest.mark.parametrize(("outcome", "code", "words"), [("paid", None, "success"), ("4", "4", "failed")])
async def test_a_bank_transfer_is_told_as_sent_and_then_as_found_or_not(
    store: PaytrStore, shop: Receiver, outcome: str, code: str | None, words: str
) -> None:
    form = {"merchant_oid": an_oid(), "payment_amount": "10000", "payment_type": "eft", "test_mode": "1"}
    form |= {"user_ip": "85.34.78.112", "email": "alici@example.com", "bank": "ziraat"}
    reply = await store.post("/odeme/api/get-token", form, EFT)
    page = f"{store.sandbox.base_url}/odeme/api/{reply['token']}"
    _, shown = await store.submit(page, action="sent", user_name="Ayşe", bank="ziraat", outcome=outcome)
    assert "Ödeme alındı" in shown
    await store.sandbox.advance(1)
    assert [said["status"] for said in told(shop, form["merchant_oid"])] == ["info"]
    assert (await store.status(form["merchant_oid"]))["err_no"] == "004"
    await store.sandbox.advance(5)
    await store.sandbox.advance(1)
    info, decided = told(shop, form["merchant_oid"])
    assert "total_amount" not in info
    assert (decided["status"], decided["payment_type"], decided.get("failed_reason_code")) == (words, "eft", code)
    if outcome == "paid":
        assert (await store.status(form["merchant_oid"]))["odeme_tipi"] == "EFT"


async def test_a_person_may_give_the_bank_s_word_on_a_transfer(store: PaytrStore, shop: Receiver) -> None:
    form = {"merchant_oid": an_oid(), "payment_amount": "10000", "payment_type": "eft", "test_mode": "1"}
    form |= {"user_ip": "85.34.78.112", "email": "alici@example.com"}
    await store.post("/odeme/api/get-token", form, EFT)
    assert (await store.order("transfers", merchant_oid=form["merchant_oid"], outcome="info"))["state"] == "opened"
    assert (await store.order("transfers", merchant_oid=form["merchant_oid"], outcome="approved"))["state"] == "paid"
    await store.sandbox.advance(1)
    assert {said["status"] for said in told(shop, form["merchant_oid"])} == {"info", "success"}


@pytest.mark.parametrize("escaped", [False, True])
async def test_transfers_and_money_sent_again_are_told_until_acknowledged(
    store: PaytrStore, shop: Receiver, escaped: bool
) -> None:
    store.sandbox.store.escaped_trans_ids = escaped
    keys = store.sandbox.store.keys
    oid, _ = await store.pay("100.00")
    form = {"merchant_oid": oid, "trans_id": an_oid(), "submerchant_amount": "9200", "total_amount": "10000"}
    form |= {"transfer_name": "ABC LTD", "transfer_iban": IBAN}
    await store.post("/odeme/platform/transfer", form, TRANSFER)
    shop.answer = not_acknowledged
    await store.sandbox.advance(5)
    await store.sandbox.advance(1)
    shop.answer = acknowledged
    await store.sandbox.advance(60)
    lists = [dict(parse_qsl(got.body.decode())) for got in shop.got if b"trans_ids" in got.body]
    mine = [given for given in lists if form["trans_id"] in given["trans_ids"]]
    assert len(mine) == 2
    plain = mine[0]["trans_ids"].replace("\\", "")
    assert ("\\" in mine[0]["trans_ids"]) is escaped
    assert json.loads(plain) == [form["trans_id"]]
    assert mine[0]["hash"] == transfers_hash(keys, plain)
    await store.order("returned", trans_id=form["trans_id"])
    again = {"trans_id": an_oid(), "trans_info": f'[{{"amount": "1283", "receiver": "XYZ ŞTİ", "iban": "{IBAN}"}}]'}
    await store.post("/odeme/hesaptan-gonder", again, ("merchant_id", "trans_id"))
    await store.sandbox.advance(300)
    await store.sandbox.advance(1)
    cashout = dict(parse_qsl(shop.got[-1].body.decode()))
    assert (cashout["mode"], cashout["trans_id"]) == ("cashout", again["trans_id"])
    assert cashout["hash"] == cashout_hash(keys, again["trans_id"])
    assert cashout["processed_result"].startswith('[{"amount":12.83,')
