"""Leave to call a provider: its place in the quota, its turn in the rate limit, its slot in the breaker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.breaker import Breaker, BreakerState, Signal
from providers.connector import Integration, Operation
from providers.exchange import BreakerChange, CallerSettings, OnBreaker, OperationClass
from providers.limiter import Quota, RateLimiter
from schemas.errors import NotSent


@dataclass(slots=True)
class Admission:
    """One leave. `signal` is what the call will have said about the provider; a cancelled one says nothing."""

    integration_id: str
    operation_class: OperationClass
    signal: Signal = Signal.NEUTRAL


class Gates:
    """The gates of all integrations of this process. They open and close in this process alone."""

    def __init__(
        self,
        settings: CallerSettings,
        *,
        on_breaker: OnBreaker,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._on_breaker = on_breaker
        self._clock = clock
        self._monotonic = monotonic
        self._breakers: dict[tuple[str, OperationClass], Breaker] = {}
        self._quotas: dict[str, Quota] = {}
        self._limiters: dict[tuple[str, str], RateLimiter | None] = {}

    @asynccontextmanager
    async def admit(
        self, integration: Integration, operation_class: OperationClass, operation: str, limited_as: str
    ) -> AsyncIterator[Admission]:
        """Leave for one call, for the length of the block.

        Raises:
            NotSent: the breaker is open (`breaker_open`).
            Throttled: no place or no turn within the settings' waiting time.
        """
        breaker = self.breaker(integration, operation_class)
        wait_s = self._settings.admission_wait_s
        if not breaker.admits:
            breaker.refused += 1
            raise self._closed(integration, operation, breaker)
        async with self._quota(integration).place(operation, wait_s=wait_s):
            limiter = self._limiter(integration, limited_as)
            if limiter is not None:
                await limiter.acquire(wait_s=wait_s)
            # The slot is taken last: a probe must not hold the only one while it waits for its turn.
            slot = breaker.enter()
            if slot is None:
                raise self._closed(integration, operation, breaker)
            admission = Admission(integration.id, operation_class)
            try:
                yield admission
            finally:
                breaker.leave(slot, admission.signal)

    def breaker(self, integration: Integration, operation_class: OperationClass) -> Breaker:
        key = (integration.id, operation_class)
        if key not in self._breakers:

            def changed(before: BreakerState, state: BreakerState) -> None:
                self._on_breaker(
                    BreakerChange(
                        integration_id=integration.id,
                        provider=integration.connector.name,
                        operation_class=operation_class,
                        before=before,
                        state=state,
                        changed_at=self._clock(),
                    )
                )

            self._breakers[key] = Breaker(
                f"{integration.id}/{operation_class}",
                threshold=self._settings.breaker_threshold,
                open_s=self._settings.breaker_open_s,
                clock=self._monotonic,
                on_change=changed,
            )
        return self._breakers[key]

    def _quota(self, integration: Integration) -> Quota:
        if integration.id not in self._quotas:
            places = self._settings.quotas.get(integration.id, self._settings.quota)
            self._quotas[integration.id] = Quota(places, provider=integration.connector.name)
        return self._quotas[integration.id]

    def _limiter(self, integration: Integration, operation: str) -> RateLimiter | None:
        key = (integration.id, operation)
        if key not in self._limiters:
            overrides, declared = self._settings.rate_limits, integration.connector.rate_limits
            limit = overrides[key] if key in overrides else declared.get(operation)
            name = integration.connector.name
            self._limiters[key] = (
                None if limit is None else RateLimiter(limit, clock=self._monotonic, provider=name, operation=operation)
            )
        return self._limiters[key]

    def _closed(self, integration: Integration, operation: str, breaker: Breaker) -> NotSent:
        return NotSent(
            f"calls to {integration.id} are paused for {breaker.wait_s:.0f} s after repeated failures",
            provider=integration.connector.name,
            operation=operation,
            reason="breaker_open",
        )


def class_of(operation: Operation[Any, Any]) -> OperationClass:
    return "payment" if operation.moves_money else "inquiry"
