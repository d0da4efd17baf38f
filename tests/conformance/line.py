"""One line for a module's tests: a caller of ours, a far side that each test lets behave, and all that is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from providers.caller import Caller
from providers.connector import Connector, Integration, Operation, RateLimit, Read
from providers.exchange import CallerSettings, Exchange
from providers.registry import connectors
from providers.retry import RetryPolicy
from tests.conformance.far_side import Behaviour, FarSide, answering, far_side
from tests.conformance.read_samples import a_question
from tests.conformance.samples import an_integration, attempt_for, command_for
from tests.granted_tokens import granted_tokens


@dataclass(slots=True)
class Line:
    """`far` behaves as a test says; breakers, limits and what was told begin anew with each test."""

    caller: Caller
    far: FarSide
    exchanges: list[Exchange] = field(default_factory=list)

    def behaving(self, behaviour: Behaviour) -> None:
        self.far.behaviour = behaviour

    def integration(self, connector: Connector, base_url: str | None = None) -> Integration:
        return an_integration(connector, self.far.base_url if base_url is None else base_url)

    def begin_anew(self) -> None:
        self.far.leave.set()
        self.far.leave, self.far.arrived = asyncio.Event(), asyncio.Event()
        self.far.received.clear()
        self.far.behaviour = answering(500)
        self.exchanges.clear()
        for connector in connectors().values():
            # What a test learned of a provider, such as an open breaker, is not the next one's; its connections are.
            self.caller._gates.forget(f"{connector.name}-main")


@asynccontextmanager
async def a_line(**settings: Any) -> AsyncIterator[Line]:
    limits: dict[tuple[str, str], RateLimit | None] = {
        (f"{connector.name}-main", name): None for connector in connectors().values() for name in connector.rate_limits
    }
    given = {
        "retry": RetryPolicy(tries=1),
        "max_answer_bytes": 100_000,
        "rate_limits": limits,
        "breaker_threshold": 1000,
        "quota": 200,
        "pool_size": 200,
        **settings,
    }
    exchanges: list[Exchange] = []
    async with (
        far_side(answering(500)) as far,
        Caller(
            on_exchange=exchanges.append,
            on_breaker=lambda _: None,
            settings=CallerSettings(**given),
            tokens=granted_tokens(),
        ) as caller,
    ):
        yield Line(caller, far, exchanges)


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a connector can be made to send: an operation, an inquiry about one, or a read.

    Attributes:
        operation: the word that its exchanges are told under.
        kept: whether its answer is kept, so that equal questions share one call, which no single one can cancel.
    """

    name: str
    operation: str
    moves: bool
    kept: bool
    make: Callable[[Caller, Integration, float], Coroutine[Any, Any, Any]] = field(repr=False)


def asks_of(connector: Connector) -> list[Ask]:
    """All that the connector can be made to send."""
    operations = [_sending(connector, operation) for operation in connector.operations]
    inquiries = [_inquiring(connector, one) for one in connector.operations if one.inquiry is not None]
    return [*operations, *inquiries, *(_reading(connector, read) for read in connector.reads)]


def _sending(connector: Connector, operation: Operation[Any, Any]) -> Ask:
    async def send(caller: Caller, integration: Integration, deadline_s: float) -> Any:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        prepared = caller.prepare(integration, operation, command, attempt)
        async with caller.admission(integration, operation):
            return await caller.send(prepared, deadline_s=deadline_s)

    return Ask(operation.name, operation.name, operation.moves_money, kept=False, make=send)


def _inquiring(connector: Connector, operation: Operation[Any, Any]) -> Ask:
    async def inquire(caller: Caller, integration: Integration, deadline_s: float) -> Any:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        return await caller.inquire(integration, operation, command, attempt, deadline_s=deadline_s)

    name = f"{operation.name}_inquiry"
    return Ask(name, name, moves=False, kept=False, make=inquire)


def _reading(connector: Connector, read: Read[Any, Any, Any]) -> Ask:
    question = a_question(connector, read)

    async def ask(caller: Caller, integration: Integration, deadline_s: float) -> Any:
        impatient = replace(connector, reads=tuple(replace(one, deadline_s=deadline_s) for one in connector.reads))
        return await caller.read(replace(integration, connector=impatient), read.name, question)

    return Ask(f"read {read.name}", read.name, moves=False, kept=read.ttl_s > 0, make=ask)
