"""A provider made for tests that can do one thing, a refund, and a caller in front of it; over real sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from providers.caller import Caller
from providers.connection_settings import USUAL, ConnectionSettings
from providers.connector import (
    Answer,
    Attempt,
    Connector,
    Credentials,
    HealthProbe,
    Integration,
    Operation,
    RateLimit,
    Request,
    Wire,
)
from providers.diagnosis import Cause, Trouble, trouble_of_status
from providers.exchange import BreakerChange, CallerSettings, Exchange
from providers.outcome import Outcome
from providers.retry import RetryPolicy
from providers.shared_store import SharedStore
from schemas.errors import OutcomeUnknown
from schemas.payments import RefundPayment
from schemas.verdicts import FailureClass, Verdict
from tests.builders import a_refund_payment, lira
from tests.conformance.far_side import FarSide, answering, far_side
from tests.conformance.samples import an_attempt

WELL = answering(200, b'{"word":"yes"}')
DECLINED = answering(200, b'{"word":"no"}')
ILL = answering(500)
VERDICTS = {
    "yes": (Verdict.ACCEPTED, None),
    "no": (Verdict.REFUSED, FailureClass.DECLINED),
    "later": (Verdict.REFUSED, FailureClass.THROTTLED),
    "asleep": (Verdict.REFUSED, FailureClass.TRANSIENT),
}


class Reply(Wire):
    word: str


def _build(_command: RefundPayment, attempt: Attempt) -> Request:
    return Request("POST", "/refunds", f'{{"ref":"{attempt.reference}"}}'.encode(), template="/refunds")


def _read(reply: Reply, _command: RefundPayment, _attempt: Attempt) -> Outcome:
    verdict, failure = VERDICTS[reply.word]
    return Outcome(verdict=verdict, failure=failure, amount=lira("5.00"), their_code=reply.word)


def _sign(_request: Request, _credentials: Credentials, nonce: str) -> Mapping[str, str]:
    return {"X-Nonce": nonce}


REFUND: Operation[RefundPayment, Reply] = Operation(
    name="refund", command=RefundPayment, build=_build, reply=Reply, read=_read, deadline_s=5
)


def _well(answer: Answer, *_: object) -> Trouble | None:
    return None if answer.status == 200 else trouble_of_status(answer.status) or Trouble(Cause.OTHER, "not well")


def a_connector(limit: RateLimit | None = None) -> Connector:
    return Connector(
        name="marmara",
        kind="payment",
        base_urls={},
        credentials=("key",),
        sign=_sign,
        verify=lambda _request, _answer, _credentials: None,
        operations=(REFUND,),
        probe=HealthProbe(Request("GET", "/alive"), _well),
        rate_limits={} if limit is None else {"refund": limit},
    )


@dataclass
class Trial:
    far: FarSide
    caller: Caller
    integration: Integration
    exchanges: list[Exchange]
    changes: list[BreakerChange]
    now: list[float]
    marked: int = 0
    attempt: Attempt = field(default_factory=lambda: an_attempt("captured", lira("5.00")))

    async def refund(self, deadline_s: float = 5) -> Outcome:
        command = a_refund_payment()
        prepared = self.caller.prepare(self.integration, REFUND, command, self.attempt)
        async with self.caller.admission(self.integration, REFUND):
            self.marked += 1
            return await self.caller.send(prepared, deadline_s=deadline_s)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(OutcomeUnknown):
                await self.refund()

    @property
    def operation(self) -> Operation[Any, Any]:
        return REFUND

    @property
    def states(self) -> list[str]:
        return [change.state for change in self.changes]


@asynccontextmanager
async def a_trial(
    *,
    limit: RateLimit | None = None,
    turned: bool = False,
    connector: Mapping[str, Any] | None = None,
    store: SharedStore | None = None,
    own: ConnectionSettings = USUAL,
    **settings: Any,
) -> AsyncIterator[Trial]:
    """`turned`: limits and breakers run on a clock that the test turns. `connector`: what is changed of it."""
    exchanges: list[Exchange] = []
    changes: list[BreakerChange] = []
    now = [1000.0]
    given: dict[str, Any] = {"retry": RetryPolicy(tries=1), "breaker_threshold": 3, "admission_wait_s": 0.05} | settings
    nonces = iter(range(1000))
    clocks: dict[str, Any] = {"monotonic": lambda: now[0]} if turned else {}
    async with (
        far_side(WELL) as far,
        Caller(
            on_exchange=exchanges.append,
            on_breaker=changes.append,
            clock=lambda: datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
            nonce=lambda: f"nonce-{next(nonces)}",
            settings=CallerSettings(**given),
            store=store,
            **clocks,
        ) as caller,
    ):
        made = replace(a_connector(limit), **(connector or {}))
        integration = Integration("m1", made, "sandbox", far.base_url, {"key": SecretStr("k" * 20)}, settings=own)
        yield Trial(far, caller, integration, exchanges, changes, now)
