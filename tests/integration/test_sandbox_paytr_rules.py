"""What the sandbox refuses, and with which words: a wrong adapter must fail here."""

import base64
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from infra.sandbox.paytr import PERMISSIONS, FaultKind, FaultOrder, Store, running_paytr_sandbox
from infra.sandbox.paytr.dates import MOMENT, written
from tests.paytr_store import (
    BKM,
    DIRECT,
    IFRAME,
    TRANSFER,
    PaytrStore,
    Reply,
    a_direct_form,
    a_store,
    an_iframe_form,
    an_oid,
)

RANGE = ("merchant_id", "start_date", "end_date")
DAY_MS = 24 * 60 * 60 * 1000
IBAN = "TR330006100519786457841326"


@pytest_asyncio.fixture(scope="module")
async def running() -> AsyncIterator[PaytrStore]:
    """Nobody is called: what is paid counts as acknowledged."""
    async with running_paytr_sandbox(store=Store(transfer_s=0)) as sandbox, a_store(sandbox) as made:
        yield made


@pytest.fixture
def store(running: PaytrStore) -> Iterator[PaytrStore]:
    """The store as it was made, whatever the last test set."""
    given = running.sandbox.store
    yield running
    given.permissions, given.active, given.balance_minor, given.repeated_oid = PERMISSIONS, True, None, "refused"
    given.comma_decimals = given.numbered_rows = given.transfers_next_day = False
    running.sandbox.faults.clear()


def fault(kind: str, seconds: float = 0) -> FaultOrder:
    return FaultOrder(FaultKind(kind), count=1, seconds=seconds)


def a_day_around(at_ms: int) -> dict[str, str]:
    return {"start_date": written(at_ms - DAY_MS, MOMENT), "end_date": written(at_ms + DAY_MS, MOMENT)}


async def a_token(store: PaytrStore, **changes: str) -> Reply:
    return await store.post("/odeme/api/get-token", an_iframe_form(debug_on="1", **changes), IFRAME)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("merchant_oid", "SIPARIS-1"),
        ("merchant_oid", "S" * 65),
        ("merchant_oid", ""),
        ("payment_amount", "34.56"),
        ("payment_amount", "34,56"),
        ("payment_amount", "99"),
        ("email", "alıcı@example.com"),
        ("email", ""),
        ("email", "a" * 95 + "@b.com"),
        ("user_ip", "2001:db8::1"),
        ("user_ip", "127.0.0.1"),
        ("user_ip", "shop.example"),
        ("currency", "CHF"),
        ("max_installment", "13"),
        ("no_installment", "2"),
        ("user_name", ""),
        ("user_address", ""),
        ("user_phone", "5" * 21),
        ("merchant_ok_url", "shop.example/ok"),
        ("merchant_fail_url", ""),
        ("user_basket", "not base64"),
        ("user_basket", base64.b64encode(b"[]").decode()),
        ("timeout_limit", "x"),
    ],
)
async def test_a_page_is_not_opened_for_a_wrong_field_and_the_answer_names_it(
    store: PaytrStore, field: str, value: str
) -> None:
    reply = await a_token(store, **{field: value})
    assert reply["status"] == "failed"
    assert field in reply["reason"]


@pytest.mark.parametrize("field", ["no_installment", "max_installment", "currency", "test_mode", "user_basket"])
async def test_a_missing_signed_field_is_told_as_a_wrong_token(store: PaytrStore, field: str) -> None:
    form = {name: value for name, value in an_iframe_form().items() if name != field}
    reply = await store.post("/odeme/api/get-token", form, IFRAME)
    assert (reply["status"], "paytr_token" in reply["reason"]) == ("failed", True)
    assert field not in reply["reason"]
    told = await store.post("/odeme/api/get-token", form | {"debug_on": "1"}, IFRAME)
    assert field in told["reason"]


async def test_a_token_made_with_another_salt_is_refused_by_each_service_in_its_own_words(store: PaytrStore) -> None:
    wrong = {"paytr_token": "AAAA"}
    oid = {"merchant_oid": an_oid()} | wrong

    async def told(path: str, form: dict[str, str], names: tuple[str, ...]) -> Reply:
        signed = store.sign(form, names) | wrong
        async with store.session.post(store.sandbox.base_url + path, data=signed) as answer:
            reply: Reply = await answer.json()
            return reply

    assert (await told("/odeme/durum-sorgu", oid, ()))["err_no"] == "003"
    assert (await told("/odeme/iade", oid | {"return_amount": "1.00"}, ()))["err_no"] == "004"
    assert (await told("/odeme", a_direct_form(), DIRECT))["status"] == "failed"
    assert (await told("/odeme/capi/list", {"utoken": "u"}, ()))["status"] == "error"


async def test_another_store_and_one_that_is_not_active_are_refused(store: PaytrStore) -> None:
    form = store.sign({"merchant_oid": an_oid(), "merchant_id": "1"}, ("merchant_id", "merchant_oid"))
    async with store.session.post(store.sandbox.base_url + "/odeme/durum-sorgu", data=form) as answer:
        assert (await answer.json())["err_no"] == "001"
    store.sandbox.store.active = False
    assert (await store.status(an_oid()))["err_no"] == "001"


@pytest.mark.parametrize(
    ("permission", "changes"),
    [
        ("direct", {}),
        ("non_3d", {}),
        ("sync_mode", {}),
        ("recurring", {"recurring_payment": "1"}),
        ("store_card", {"store_card": "1"}),
        ("bkm", {"payment_type": "bex"}),
    ],
)
async def test_what_support_has_not_enabled_is_refused(
    store: PaytrStore, permission: str, changes: dict[str, str]
) -> None:
    store.sandbox.store.permissions = PERMISSIONS - {permission}
    form = a_direct_form(**changes)
    form |= {"payment_amount": "3456", "installment_options": ""} if permission == "bkm" else {}
    reply = await store.post("/odeme", form, BKM if permission == "bkm" else DIRECT)
    assert (reply["status"], reply["try_again"]) == ("failed", False)
    assert permission in reply["msg"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payment_amount", "34,56"),
        ("payment_amount", "0"),
        ("installment_count", "1"),
        ("installment_count", "13"),
        ("card_number", "4111111111111111"),
        ("cvv", "123"),
        ("expiry_month", "13"),
        ("cc_owner", ""),
        ("user_basket", "bm90IEpTT04="),
        ("email", "ş@example.com"),
        ("user_ip", "::1"),
        ("merchant_oid", "a_b"),
        ("request_exp_date", "1600000000"),
        ("payment_type", "eft"),
        ("payment_type", "card_points"),
        ("utoken", "customer42"),
    ],
)
async def test_a_direct_payment_with_a_wrong_field_fails_and_leaves_no_trace(
    store: PaytrStore, field: str, value: str
) -> None:
    before = len(store.sandbox.books.entries())
    _, reply = await store.pay(**{field: value})
    assert (reply["status"], reply["try_again"]) == ("failed", False)
    assert len(store.sandbox.books.entries()) == before


async def test_instalments_want_the_card_s_programme(store: PaytrStore) -> None:
    _, reply = await store.pay(installment_count="3")
    assert reply["status"] == "failed"
    oid, reply = await store.pay(installment_count="3", card_type="axess")
    assert reply["status"] == "success"
    assert (await store.status(oid))["taksit"] == "3"


async def test_lira_and_kurus_are_told_apart_by_the_service(store: PaytrStore) -> None:
    oid, _ = await store.pay("3456")  # a store that sent kuruş has taken a hundredfold
    assert (await store.status(oid))["payment_total"] == "3456.00"


async def test_an_order_number_is_used_once_unless_that_is_set_otherwise(store: PaytrStore) -> None:
    oid, _ = await store.pay()
    _, again = await store.pay(merchant_oid=oid)
    assert again["status"] == "failed"
    store.sandbox.store.repeated_oid = "charged"
    _, again = await store.pay(merchant_oid=oid)
    assert again["status"] == "success"
    assert [p.merchant_oid for p in store.sandbox.books.entries()].count(oid) == 2


async def test_a_refusal_for_tests_works_in_tests_alone(store: PaytrStore) -> None:
    oid, reply = await store.pay(non3d_test_failed="1")
    assert (reply["status"], reply["try_again"]) == ("failed", False)
    assert (await store.status(oid))["err_no"] == "004"
    _, reply = await store.pay(non3d_test_failed="1", test_mode="0")
    assert reply["status"] == "success"


async def test_an_undecided_payment_is_told_later_and_blocks_the_buyer_s_next(store: PaytrStore) -> None:
    email = f"{an_oid()}@example.com"
    store.sandbox.faults.order(fault("wait_success", seconds=60))
    oid, reply = await store.pay(email=email)
    assert reply == {"status": "wait_callback"}
    assert (await store.status(oid))["err_no"] == "004"
    assert (await store.refund(oid, "1.00"))["err_no"] == "000"
    _, busy = await store.pay(email=email)
    assert (busy["status"], busy["try_again"]) == ("failed", True)
    await store.sandbox.advance(60)
    assert (await store.status(oid))["status"] == "success"
    _, free = await store.pay(email=email)
    assert free["status"] == "success"


async def test_a_basket_line_orders_a_fault_once(store: PaytrStore) -> None:
    marker = f'[["fault-decline_9-{an_oid()}", "1.00", 1]]'
    _, reply = await store.pay(user_basket=marker)
    assert reply["status"] == "failed"
    _, reply = await store.pay(user_basket=marker)
    assert reply["status"] == "success"


async def test_refunds_are_refused_with_the_documented_numbers(store: PaytrStore) -> None:
    oid, _ = await store.pay("10.00")
    assert (await store.refund("a-b", "1.00"))["err_no"] == "002"
    assert (await store.refund(oid, "1,00"))["err_no"] == "003"
    assert (await store.refund(an_oid(), "1.00"))["err_no"] == "005"
    assert (await store.refund(oid, "10.01"))["err_no"] == "009"
    store.sandbox.store.balance_minor = 100
    assert (await store.refund(oid, "1.01"))["err_no"] == "010"
    assert (await store.refund(oid, "1.00", reference_no="r1"))["status"] == "success"
    store.sandbox.store.balance_minor = None
    assert (await store.refund(oid, "1.00", reference_no="r1"))["status"] == "success"  # not deduplicated
    returns = (await store.status(oid))["returns"]
    assert [(row["return_amount"], row["reference_no"]) for row in returns] == [("1.00", "r1"), ("1.00", "r1")]
    for number in ("000", "008"):
        store.sandbox.faults.order(fault(f"err_{number}"))
        assert (await store.refund(oid, "1.00"))["err_no"] == number


async def test_amounts_may_come_with_a_comma_and_rows_with_numbers(store: PaytrStore) -> None:
    store.sandbox.store.comma_decimals = store.sandbox.store.numbered_rows = True
    oid, _ = await store.pay("10.80")
    assert (await store.status(oid))["payment_total"] == "10,8"
    today = await store.post("/rapor/odeme-detayi", {"date": "2020-01-01"}, ("merchant_id", "date"))
    assert today["status"] == "failed"
    span = {"start_date": "2020-01-01 00:00:00", "end_date": "2020-01-02 00:00:00", "dummy": "1"}
    assert (await store.post("/rapor/islem-dokumu", span, RANGE))["0"]["islem_tipi"] == "S"


async def transfer(store: PaytrStore, oid: str, seller: str, total: str, **changes: str) -> Reply:
    form = {
        "merchant_oid": oid,
        "trans_id": an_oid(),
        "submerchant_amount": seller,
        "total_amount": total,
        "transfer_name": "ABC LTD",
        "transfer_iban": IBAN,
    }
    return await store.post("/odeme/platform/transfer", form | changes, TRANSFER)


async def test_a_seller_s_share_is_sent_comes_back_and_is_sent_again(store: PaytrStore) -> None:
    oid, _ = await store.pay("100.00")
    sent = await transfer(store, oid, "9200", "10000")
    assert (sent["merchant_amount"], sent["submerchant_amount"]) == ("8.00", "92.00")
    assert (await transfer(store, oid, "1", "1"))["err_no"] == "010"
    assert (await store.status(oid))["submerchant_payments"][0]["amount"] == "92.00"
    await store.order("clock", advance_s=1)
    await store.order("returned", trans_id=sent["trans_id"])
    span = {"start_date": "2026-01-01 00:00:00", "end_date": "2026-01-31 23:59:59"}
    assert (await store.post("/odeme/geri-donen-transfer", span, RANGE))["status"] == "failed"
    now = await store.order("clock", advance_s=0)
    rows = (await store.post("/odeme/geri-donen-transfer", a_day_around(now["now_ms"]), RANGE))["data"]
    assert [(row["ref_no"], row["transfer_amount"], row["transfer_iban"]) for row in rows] == [
        (sent["reference"], "92.00", IBAN)
    ]
    names = ("merchant_id", "trans_id")
    again = {"trans_id": an_oid(), "trans_info": f'[{{"amount": "9201", "receiver": "X", "iban": "{IBAN}"}}]'}
    assert (await store.post("/odeme/hesaptan-gonder", again, names))["err_no"] == "010"
    again["trans_info"] = again["trans_info"].replace("9201", "9200")
    assert (await store.post("/odeme/hesaptan-gonder", again, names))["trans_id"] == again["trans_id"]
    await store.sandbox.advance(300)
    kinds = [m.kind for m in store.sandbox.books.movements() if m.reference in {sent["trans_id"], again["trans_id"]}]
    assert kinds == ["transfer", "returned", "resend"]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"transfer_iban": "TR33"}, "092"),
        ({"trans_id": "a-b"}, "096"),
        ({"submerchant_amount": "101"}, "012"),
        ({"merchant_oid": "NEVERSENT"}, "006"),
        ({"total_amount": "1.00"}, "099"),
    ],
)
async def test_a_transfer_that_cannot_be_is_refused(store: PaytrStore, changes: dict[str, str], number: str) -> None:
    oid, _ = await store.pay("1.00")
    assert (await transfer(store, oid, "90", "100", **changes))["err_no"] == number


async def test_a_transfer_s_number_guards_against_sending_twice_and_a_day_may_have_to_pass(store: PaytrStore) -> None:
    oid, _ = await store.pay("2.00")
    assert (await transfer(store, oid, "90", "100", trans_id=oid))["status"] == "success"
    assert (await transfer(store, oid, "90", "100", trans_id=oid))["err_no"] == "009"
    store.sandbox.store.transfers_next_day = True
    assert (await transfer(store, oid, "90", "100"))["err_no"] == "008"


async def test_settings_are_read_and_set_over_http_and_unknown_ones_refused(store: PaytrStore) -> None:
    shown = await store.order("settings", comma_decimals=True, permissions=["direct"])
    assert (shown["comma_decimals"], shown["permissions"]) == (True, ["direct"])
    async with store.session.post(store.sandbox.admin_url + "settings", json={"keys": "x"}) as answer:
        assert answer.status == 400
    async with store.session.get(store.sandbox.admin_url + "nothing") as answer:
        assert answer.status == 404
    async with store.session.get(store.sandbox.base_url + "/odeme/iade") as answer:
        assert answer.status == 404
