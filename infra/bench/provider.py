"""A provider that takes no time: iyzico's answer to a creation, made once, signed anew for each request.

It is no sandbox: it keeps no books and checks nothing. What it answers is what the sandbox answers to the same request,
so that a connector reads and verifies all of it.
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any, Final

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico.amounts import read_price
from infra.sandbox.iyzico.payment_result import payment_result
from infra.sandbox.iyzico.records import BookedLine, BookedPayment
from infra.sandbox.iyzico.signing import DEFAULT_KEYS, PAYMENT_ORDER, canonical_amount

_CONVERSATION: Final = b'"conversationId":"'
_BLANK: Final = "conversation-of-the-request"
_PAYMENT_ID: Final = "260000000000"
_SIGNATURE: Final = "0" * 64
_REMEMBERED: Final = 1_000
_HEALTHY: Final = b'{"status":"success"}'
_FIRST: Final = int(_PAYMENT_ID)
_LINE: Final = "28000000000"


class Answers:
    """Makes answers. Requests that differ in their `conversationId` alone share one form."""

    def __init__(self) -> None:
        self._forms: dict[bytes, tuple[tuple[bytes, ...], bytes]] = {}
        self._numbers = count(_FIRST)
        self._key = DEFAULT_KEYS.secret_key.encode()

    def to(self, body: bytes) -> bytes:
        """The body of the answer to a request's body."""
        begins = body.find(_CONVERSATION)
        if begins < 0:
            return _HEALTHY
        begins += len(_CONVERSATION)
        ends = body.index(b'"', begins)
        rest = body[:begins] + body[ends:]
        form = self._forms.get(rest)
        if form is None:
            form = self._form(rest, body)
        parts, signed = form
        conversation, number = body[begins:ends], b"%d" % next(self._numbers)
        signature = hmac.digest(self._key, signed.replace(b"\0", number, 1).replace(b"\1", conversation, 1), "sha256")
        return b"".join((parts[0], conversation, parts[1], number, parts[2], signature.hex().encode(), parts[3]))

    def _form(self, rest: bytes, body: bytes) -> tuple[tuple[bytes, ...], bytes]:
        if len(self._forms) >= _REMEMBERED:
            self._forms.clear()
        request = json.loads(body, parse_float=Decimal)
        result = {name: value for name, value in payment_result(_booked(request)).items() if value is not None}
        answer: dict[str, object] = {"status": "success", "locale": "en", "systemTime": 1}
        answer |= {"conversationId": _BLANK, "paymentId": _PAYMENT_ID, **result, "signature": _SIGNATURE}
        parts = []
        left = to_json(answer).encode()
        for blank in (_BLANK, _PAYMENT_ID, _SIGNATURE):
            before, _, left = left.partition(blank.encode())
            parts.append(before)
        order = {**answer, "paymentId": "\0", "conversationId": "\1"}
        form = ((*parts, left), _signed(order))
        self._forms[rest] = form
        return form


class Connection(asyncio.Protocol):
    """HTTP/1.1 with connections that stay; requests may stand in line behind one another."""

    def __init__(self, answers: Answers, pause_s: float) -> None:
        self._answers = answers
        self._pause_s = pause_s
        self._waiting = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting = self._waiting + data if self._waiting else data
        answers = []
        while (request := self._next()) is not None:
            body = self._answers.to(request)
            answers.append(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            answers.append(body)
        if answers and self._pause_s:
            asyncio.get_running_loop().call_later(self._pause_s, self._write, b"".join(answers))
        elif answers:
            self._write(b"".join(answers))

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _next(self) -> bytes | None:
        """The body of the next whole request."""
        ends = self._waiting.find(b"\r\n\r\n")
        if ends < 0:
            return None
        length = _length(self._waiting[:ends])
        whole = ends + 4 + length
        if len(self._waiting) < whole:
            return None
        body, self._waiting = self._waiting[ends + 4 : whole], self._waiting[whole:]
        return body


async def serve(stop: asyncio.Event, *, pause_s: float, on_ready: Callable[[int], None]) -> None:
    """Answer until `stop` is set, each request after `pause_s`. `on_ready` is told the port."""
    answers = Answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers, pause_s), "127.0.0.1", 0, backlog=1024)
    try:
        on_ready(server.sockets[0].getsockname()[1])
        await stop.wait()
    finally:
        server.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


def _signed(order: dict[str, Any]) -> bytes:
    """The text that is signed, with the character 0 for the payment's number and 1 for the conversation."""
    texts = []
    for name in PAYMENT_ORDER:
        value = order.get(name)
        texts.append("" if value is None else canonical_amount(value) if isinstance(value, Decimal) else str(value))
    return ":".join(texts).encode()


def _booked(request: dict[str, Any]) -> BookedPayment:
    """The payment as the sandbox's books would have it: approved, and taken at once."""
    paid = read_price(request["paidPrice"], "paidPrice")
    items = request["basketItems"]
    prices = [read_price(item["price"], "price") for item in items]
    return BookedPayment(
        payment_id=_PAYMENT_ID,
        conversation_id=None,
        basket_id=request["basketId"],
        kind="auth",
        currency=request["currency"],
        price_minor=read_price(request["price"], "price"),
        paid_minor=paid,
        captured_minor=paid,
        capture_conversation_id=None,
        captured_ms=1,
        cancelled_ms=None,
        error_code=None,
        error_group=None,
        installment=request["installment"],
        fraud_status=1,
        card_name=request["paymentCard"]["cardToken"],
        card_user_key=request["paymentCard"]["cardUserKey"],
        card_token=request["paymentCard"]["cardToken"],
        created_ms=1,
        lines=tuple(
            BookedLine(f"{_LINE}{index}", item["id"], price, price, 0)
            for index, (item, price) in enumerate(zip(items, prices, strict=True), start=1)
        ),
        reversals=(),
    )
