import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from infra.sandbox.iyzico import BookedPayment, Books, FaultKind, FaultOrder, Sandbox, parse_fault, running_sandbox
from tests.sandbox_merchant import Merchant, Reply, a_merchant, a_payment, authorization, read


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with running_sandbox(tls=True) as sandbox, a_merchant(sandbox) as merchant:
        yield merchant


def fresh(kind: str) -> Reply:
    """A payment whose basket orders the fault."""
    return a_payment(basketId=f"fault-{kind}-{secrets.token_hex(4)}")


def booked(merchant: Merchant, body: Reply) -> list[BookedPayment]:
    return [p for p in merchant.sandbox.books.entries() if p.conversation_id == body["conversationId"]]


async def send(merchant: Merchant, body: Reply) -> tuple[int, str]:
    return await merchant.send("POST", "/payment/auth", json.dumps(body).encode())


async def until_found(merchant: Merchant, body: Reply) -> Reply:
    """Ask by conversation until the provider knows the payment."""
    async with asyncio.timeout(10):
        while True:
            found = await merchant.post("/payment/detail", {"paymentConversationId": body["conversationId"]})
            if found["status"] == "success":
                return found


async def raw_exchange(sandbox: Sandbox, body: Reply, *, tls: bool) -> bytes:
    """What arrives on a socket of our own until the other side is done."""
    url = urlsplit((sandbox.tls_base_url if tls else sandbox.base_url) or "")
    context = ssl.create_default_context(cafile=str(sandbox.ca_pem_path)) if tls else None
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context)
    content = json.dumps(body).encode()
    signed = authorization("/payment/auth", content)["Authorization"]
    head = (
        f"POST /payment/auth HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    try:
        writer.write(head.encode() + content)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.transport.abort()


async def test_late_is_performed_at_once_and_answered_after_its_seconds(merchant: Merchant) -> None:
    body = fresh("late-0.5s")
    begin = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        call = tasks.create_task(merchant.post("/payment/auth", body))
        found = await until_found(merchant, body)
        assert not call.done()
    assert asyncio.get_running_loop().time() - begin >= 0.5
    assert call.result()["paymentId"] == found["paymentId"]


async def test_never_is_performed_and_not_answered_as_long_as_the_client_waits(merchant: Merchant) -> None:
    body = fresh("never")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await send(merchant, body)
    assert [p.state for p in booked(merchant, body)] == ["charged"]
    assert (await until_found(merchant, body))["paymentStatus"] == "SUCCESS"


async def test_perform_late_is_absent_first_and_appears_though_the_client_has_gone(merchant: Merchant) -> None:
    body = fresh("perform_late-0.8s")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await send(merchant, body)
    assert booked(merchant, body) == []
    missing = await merchant.post("/payment/detail", {"paymentConversationId": body["conversationId"]})
    assert missing["errorCode"] == "5087"
    async with merchant.session.get(merchant.sandbox.admin_url + "books") as answer:
        assert (await answer.json())["late_operations_waiting"] == 1
    await until_found(merchant, body)
    assert [p.state for p in booked(merchant, body)] == ["charged"]


async def test_a_late_operation_that_never_ran_is_dropped_when_the_sandbox_stops(tmp_path: Path) -> None:
    body = fresh("perform_late-60s")
    async with running_sandbox(books=tmp_path / "books.db") as sandbox, a_merchant(sandbox) as one:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(one, body)
        assert await sandbox.books.run(lambda db: db.execute("SELECT basket_id FROM used_marker").fetchall()) == [
            (body["basketId"],)
        ]
    with Books(tmp_path / "books.db", read_only=True) as books:
        assert books.entries() == ()


@pytest.mark.parametrize(("kind", "performed"), [("500_before", 0), ("500_after", 1)])
async def test_a_server_error_comes_before_or_after_performing(merchant: Merchant, kind: str, performed: int) -> None:
    body = fresh(kind)
    status, text = await send(merchant, body)
    assert (status, text.startswith("<!DOCTYPE html>"), len(booked(merchant, body))) == (500, True, performed)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("kind", "performed"), [("reset_before", 0), ("reset_after", 1)])
async def test_a_reset_breaks_the_connection_before_or_after_performing(
    merchant: Merchant, kind: str, performed: int, tls: bool
) -> None:
    body = fresh(kind)
    with pytest.raises(ConnectionResetError):
        await raw_exchange(merchant.sandbox, body, tls=tls)
    assert len(booked(merchant, body)) == performed
    body = fresh(kind)
    with pytest.raises(aiohttp.ClientError):
        await send(merchant, body)
    assert len(booked(merchant, body)) == performed


@pytest.mark.parametrize("kind", ["garbage", "truncated", "empty"])
async def test_an_unreadable_answer_hides_a_charge(merchant: Merchant, kind: str) -> None:
    body = fresh(kind)
    status, text = await send(merchant, body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert (status, [p.state for p in booked(merchant, body)]) == (200, ["charged"])


async def test_429_is_not_performed_and_says_when_to_come_again(merchant: Merchant) -> None:
    body = fresh("429")
    content = json.dumps(body).encode()
    url, headers = f"{merchant.sandbox.base_url}/payment/auth", authorization("/payment/auth", content)
    async with merchant.session.post(url, data=content, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert booked(merchant, body) == []


@pytest.mark.parametrize(
    ("kind", "code", "performed"), [("50000", "50000", 0), ("10219_before", "10219", 0), ("10219", "10219", 1)]
)
async def test_limit_and_bank_timeout_answer_their_codes(
    merchant: Merchant, kind: str, code: str, performed: int
) -> None:
    body = fresh(kind)
    reply = await merchant.post("/payment/auth", body)
    assert (reply["status"], reply["errorCode"], reply["conversationId"]) == ("failure", code, body["conversationId"])
    assert len(booked(merchant, body)) == performed


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("review_approve", (1, "SUCCESS", "charged", 10000)),
        ("review_reject", (-1, "FAILURE", "rejected", 0)),
    ],
)
async def test_a_fraud_review_ends_in_its_verdict(
    merchant: Merchant, kind: str, verdict: tuple[int, str, str, int]
) -> None:
    body = fresh(f"{kind}-0.3s")
    first = await merchant.post("/payment/auth", body)
    assert (first["status"], first["fraudStatus"], first["itemTransactions"][0]["transactionStatus"]) == (
        "success",
        0,
        0,
    )
    async with asyncio.timeout(10):
        while (found := await until_found(merchant, body))["fraudStatus"] == 0:
            assert found["paymentStatus"] == "SUCCESS"
    (payment,) = booked(merchant, body)
    assert (found["fraudStatus"], found["paymentStatus"], payment.state, payment.charged_minor) == verdict


async def test_a_marker_works_once_for_its_basket(merchant: Merchant) -> None:
    body = fresh("empty")
    assert (await send(merchant, body))[1] == ""
    assert (await merchant.post("/payment/auth", body))["status"] == "success"
    assert len(booked(merchant, body)) == 2


async def test_a_used_marker_stays_used_over_a_restart(tmp_path: Path) -> None:
    body, path = fresh("empty"), tmp_path / "books.db"
    texts = []
    for _ in range(2):
        async with running_sandbox(books=path) as sandbox, a_merchant(sandbox) as one:
            texts.append((await send(one, body))[1])
    assert (texts[0], read(texts[1])["status"]) == ("", "success")


async def test_ordered_faults_hit_their_path_and_leave_unsigned_calls_alone() -> None:
    orders = [parse_fault("500_before,path=/payment/cancel,every=2"), parse_fault("empty,path=/payment/detail,count=1")]
    async with running_sandbox(faults=orders) as sandbox, a_merchant(sandbox) as one:
        paid = await one.pay()
        raw = json.dumps({"paymentId": paid["paymentId"]}).encode()
        unsigned = [(await one.send("POST", "/payment/cancel", raw, {}))[0] for _ in range(3)]
        cancels = [(await one.send("POST", "/payment/cancel", raw))[0] for _ in range(4)]
        details = [bool((await one.send("POST", "/payment/detail", raw))[1]) for _ in range(3)]
    assert (unsigned, cancels, details) == ([200] * 3, [200, 500, 200, 500], [False, True, True])


async def test_cancel_and_refund_are_performed_though_their_answer_is_lost(merchant: Merchant) -> None:
    paid, other = await merchant.pay(), await merchant.pay()
    merchant.sandbox.faults.order(FaultOrder(FaultKind.RESET_AFTER, path="/payment/cancel", count=1))
    merchant.sandbox.faults.order(FaultOrder(FaultKind.RESET_AFTER, path="/v2/payment/refund", count=1))
    for path, body in (
        ("/payment/cancel", {"paymentId": paid["paymentId"], "conversationId": "lost-cancel"}),
        ("/v2/payment/refund", {"paymentId": other["paymentId"], "price": "1", "conversationId": "lost-refund"}),
    ):
        with pytest.raises(aiohttp.ClientError):
            await merchant.post(path, body)
    (cancelled,) = await merchant.report(paymentId=paid["paymentId"])
    (refunded,) = await merchant.report(paymentId=other["paymentId"])
    assert [c["cancelConversationId"] for c in cancelled["cancels"]] == ["lost-cancel"]
    assert [r["refundConversationId"] for r in refunded["itemTransactions"][0]["refunds"]] == ["lost-refund"]


async def test_faults_are_ordered_shown_and_cleared_over_http(merchant: Merchant) -> None:
    url = merchant.sandbox.admin_url + "faults"
    async with merchant.session.post(url, json={"kind": "empty", "path": "/payment/bin/check"}) as answer:
        (shown,) = [fault for fault in (await answer.json())["faults"] if fault["path"] == "/payment/bin/check"]
        assert (answer.status, shown["count"], shown["used"]) == (200, 1, 0)
    raw = json.dumps({"binNumber": "552608"}).encode()
    texts = [(await merchant.send("POST", "/payment/bin/check", raw))[1] for _ in range(2)]
    assert (texts[0], read(texts[1])["status"]) == ("", "success")
    async with merchant.session.delete(url) as answer:
        assert (await answer.json())["faults"] == []


@pytest.mark.parametrize("sent", [b"{", b"[]", b'{"kind": "typo"}', b'{"kind": "late", "every": 0}', b"{}"])
async def test_a_wrong_order_over_http_is_refused_with_the_reason(merchant: Merchant, sent: bytes) -> None:
    async with merchant.session.post(merchant.sandbox.admin_url + "faults", data=sent) as answer:
        assert (answer.status, bool((await answer.json())["error"])) == (400, True)


async def test_the_admin_serves_nothing_else(merchant: Merchant) -> None:
    async with merchant.session.get(merchant.sandbox.admin_url + "keys") as answer:
        assert answer.status == 404
