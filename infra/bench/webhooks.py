"""A load of webhooks of which half are forged, against a gateway process: how many a second, how fast, what is kept.

First as fast as the gateway goes, which gives its rate; then at a steady rate whether or not earlier calls were
answered, which gives the time to the answer, counted from when a call was due. The callers share the machine with the
gateway, the broker and the database.
"""

import asyncio
import json
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from infra.bench.ground import Ground
from infra.bench.latency import latency_of
from infra.bench.load import INTEGRATION
from infra.bench.processor import processor_s
from infra.sandbox.iyzico.signing import DEFAULT_KEYS
from providers.payments.iyzico.webhook import HEADER, signature_of
from schemas.webhooks import WebhookReceived
from streams.reader import replay

_CONNECTIONS: Final = 64
_STEP_S: Final = 0.005
_ANSWERED_WITHIN_S: Final = 60.0
_OF_THE_MOST: Final = 0.7
"""The steady rate where the machine does not reach the wanted one: at its limit only a queue would be measured."""
_TAKEN: Final = 200
_REFUSED: Final = frozenset({401, 429})


class Unexpected(AssertionError):
    """The gateway answered something that no call of these deserves."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What was found.

    Attributes:
        most_per_s: calls answered a second, forged ones too, as fast as it went.
        offered_per_s: of the steady load, whose other figures these are.
        processor_us: of the gateway's processor, for each call of both loads.
        forged_accepted: forged calls that were answered with success or that lie in the topic, of both loads.
        accepted_lost: calls that were answered with success and do not lie in the topic, of both loads.
    """

    most_per_s: int
    offered_per_s: int
    accepted_per_s: int
    refused_per_s: int
    p50_ms: float
    p99_ms: float
    processor_us: int
    accepted: int
    forged_accepted: int
    accepted_lost: int


@dataclass(slots=True)
class _Answers:
    accepted: set[str] = field(default_factory=set)
    refused: int = 0
    forged_accepted: int = 0
    waited_ms: list[float] = field(default_factory=list)

    def add(self, event_id: str, status: int, waited_s: float) -> None:
        forged = event_id.startswith("forged")
        if status == _TAKEN:
            self.accepted.add(event_id)
            self.forged_accepted += forged
        elif forged and status in _REFUSED:
            self.refused += 1
        else:
            raise Unexpected(f"{event_id} was answered with {status}")
        self.waited_ms.append(waited_s * 1000)

    @property
    def count(self) -> int:
        return len(self.waited_ms)


async def measure_webhooks(ground: Ground, *, per_s: float, seconds: float) -> Webhooks:
    """Through one gateway.

    Raises:
        Unexpected: an answer was neither success nor refusal, or a call that is theirs was refused.
    """
    gateway, said = await ground.children.start(ground.fresh("gateway"), ["gateway", "--json"])
    callers = _Callers(said["base_url"])
    try:
        await callers.connect()
        await _as_fast_as_it_goes(callers, "warm", seconds / 4)
        began, used_s = time.monotonic(), processor_s([gateway.pid])
        fast = await _as_fast_as_it_goes(callers, "fast", seconds / 2)
        most = fast.count / (time.monotonic() - began)
        offered = min(per_s, most * _OF_THE_MOST)
        began = time.monotonic()
        steady = await _steadily(callers, "steady", offered, seconds)
        took_s = time.monotonic() - began
        used_s = processor_s([gateway.pid]) - used_s
    finally:
        callers.close()
        await gateway.stop(signal.SIGTERM, within_s=30)
    kept = {one async for one in _kept(ground)}
    accepted = fast.accepted | steady.accepted
    found = latency_of(steady.waited_ms, offered)
    return Webhooks(
        most_per_s=round(most),
        offered_per_s=round(offered),
        accepted_per_s=round(len(steady.accepted) / took_s),
        refused_per_s=round(steady.refused / took_s),
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        processor_us=round(used_s * 1e6 / (fast.count + steady.count)),
        accepted=len(accepted),
        forged_accepted=fast.forged_accepted + steady.forged_accepted + sum(one.startswith("forged") for one in kept),
        accepted_lost=len(accepted - kept),
    )


async def _as_fast_as_it_goes(callers: "_Callers", word: str, seconds: float) -> _Answers:
    """Each connection calls again once it is answered."""
    answers, calls, ending = _Answers(), _calls(word), time.monotonic() + seconds

    def answered(event_id: str, status: int, waited_s: float) -> None:
        answers.add(event_id, status, waited_s)
        if time.monotonic() < ending:
            callers.call(*next(calls), time.monotonic(), answered)

    for _ in range(_CONNECTIONS):
        callers.call(*next(calls), time.monotonic(), answered)
    await callers.all_answered()
    return answers


async def _steadily(callers: "_Callers", word: str, per_s: float, seconds: float) -> _Answers:
    """So many a second, whether or not earlier ones were answered."""
    answers, calls, began, sent = _Answers(), _calls(word), time.monotonic(), 0
    while sent < per_s * seconds:
        for number in range(sent, min(int((time.monotonic() - began) * per_s) + 1, int(per_s * seconds) + 1)):
            callers.call(*next(calls), began + number / per_s, answers.add)
            sent += 1
        await asyncio.sleep(_STEP_S)
    await callers.all_answered()
    return answers


def _calls(word: str) -> Iterator[tuple[str, bytes]]:
    """Event ids and requests without end: one that is theirs, one that is not, and so on."""
    number = 0
    while True:
        number += 1
        for event_id, secret in (
            (f"theirs-{word}-{number}", DEFAULT_KEYS.secret_key),
            (f"forged-{word}-{number}", "a-secret-that-somebody-guessed"),
        ):
            said = {
                "paymentConversationId": f"{number:032x}",
                "merchantId": "3404590",
                "paymentId": str(number),
                "status": "SUCCESS",
                "iyziReferenceCode": event_id,
                "iyziEventType": "API_AUTH",
            }
            body = json.dumps(said).encode()
            head = (
                f"POST /webhooks/{INTEGRATION} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
                f"{HEADER}: {signature_of(said, secret)}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            yield event_id, head.encode() + body


async def _kept(ground: Ground) -> Any:
    topic = ground.settings.topics.webhook_events.name
    async for record in replay(ground.settings.kafka, topic, type=WebhookReceived.type):
        yield json.loads(record.value or b"{}")["event_id"]


class _Callers:
    """Connections to the gateway, each with one call under way; calls that find none free wait in line."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._free: deque[_Caller] = deque()
        self._all: list[_Caller] = []
        self._line: deque[tuple[str, bytes, float, Any]] = deque()
        self._idle = asyncio.Event()

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_CONNECTIONS):
            _, caller = await loop.create_connection(lambda: _Caller(self), self._host, self._port)
            self._all.append(caller)
            self._free.append(caller)

    def call(self, event_id: str, request: bytes, due: float, answered: Any) -> None:
        self._idle.clear()
        self._line.append((event_id, request, due, answered))
        self._go_on()

    def free(self, caller: "_Caller") -> None:
        self._free.append(caller)
        self._go_on()

    async def all_answered(self) -> None:
        """Raises what an answer was found to be wrong with."""
        async with asyncio.timeout(_ANSWERED_WITHIN_S):
            await self._idle.wait()
        for caller in self._all:
            if caller.wrong is not None:
                raise caller.wrong

    def close(self) -> None:
        for caller in self._all:
            caller.close()

    def _go_on(self) -> None:
        while self._line and self._free:
            self._free.popleft().ask(*self._line.popleft())
        if not self._line and len(self._free) == len(self._all):
            self._idle.set()


class _Caller(asyncio.Protocol):
    def __init__(self, callers: _Callers) -> None:
        self._callers = callers
        self._transport: Any = None
        self._asked: tuple[str, float, Any] = ("", 0.0, None)
        self._came = b""
        self.wrong: Exception | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, event_id: str, request: bytes, due: float, answered: Any) -> None:
        self._asked = (event_id, due, answered)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, ended, body = self._came.partition(b"\r\n\r\n")
        if not ended or len(body) < _length(head):
            return
        self._came = b""
        event_id, due, answered = self._asked
        try:
            answered(event_id, int(head[9:12]), time.monotonic() - due)
        except Unexpected as wrong:
            self.wrong = wrong
        self._callers.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.wrong = self.wrong or Unexpected(f"the gateway closed a connection: {exc!r}")

    def close(self) -> None:
        self._transport.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name == b"content-length":
            return int(value)
    return 0
