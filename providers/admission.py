"""Leave to call a provider: its place in the quota, its turn in the rate limit, its slot in the breaker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opentelemetry import metrics

from providers.breaker import Breaker, BreakerState, Signal
from providers.connector import Answer, Integration, Operation
from providers.exchange import (
    BreakerChange,
    CallerSettings,
    LimitReport,
    OnBreaker,
    OperationClass,
)
from providers.limiter import Quota, RateLimiter
from providers.shared_store import SharedStore
from schemas.errors import NotSent, Throttled

_REFUSED: Final = metrics.get_meter("kolaj.providers").create_counter(
    "kolaj.provider.admission.refused", description="Calls of ours that were not let through, by reason."
)


@dataclass(slots=True)
class Admission:
    """One leave. `signal` is what the call will have said about the provider; a cancelled one says nothing."""

    integration_id: str
    operation_class: OperationClass
    limiter: RateLimiter
    signal: Signal = Signal.NEUTRAL

    def heard(self, integration: Integration, answer: Answer) -> None:
        """An answer came: its headers may tell how many calls are left."""
        read_limits = integration.connector.read_limits
        reading = read_limits(answer) if read_limits is not None else None
        if reading is not None:
            self.limiter.heard(reading)

    def turned_away(self, throttled: Throttled) -> Throttled:
        """The provider refused for its limit; the error as it goes on, with the pause that is kept."""
        return Throttled(
            str(throttled),
            provider=throttled.provider,
            operation=throttled.operation,
            retry_after_s=self.limiter.close(throttled.retry_after_s),
        )


class Gates:
    """The gates of all integrations of this process. Breakers and quotas are this process's alone."""

    def __init__(
        self,
        settings: CallerSettings,
        *,
        on_breaker: OnBreaker,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        share: Callable[[], float],
        store: SharedStore | None,
    ) -> None:
        self._settings = settings
        self._on_breaker = on_breaker
        self._clock = clock
        self._monotonic = monotonic
        self._share = share
        self._store = store
        self._revisions: dict[str, int] = {}
        self._breakers: dict[tuple[str, OperationClass], Breaker] = {}
        self._quotas: dict[str, Quota] = {}
        self._limiters: dict[tuple[str, str], tuple[Integration, RateLimiter]] = {}

    @asynccontextmanager
    async def admit(
        self, integration: Integration, operation_class: OperationClass, operation: str, limited_as: str
    ) -> AsyncIterator[Admission]:
        """Leave for one call, for the length of the block.

        Raises:
            NotSent: the breaker is open (`breaker_open`); `retry_after_s` says when to come back.
            Throttled: no place or no turn within the settings' waiting time.
        """
        self.meet(integration)
        breaker = self.breaker(integration, operation_class)
        wait_s = self._settings.admission_wait_s
        if not breaker.admits:
            breaker.refused += 1
            raise self._closed(integration, operation, breaker)
        async with self._counted(integration, operation, "no_place", self._quota(integration), wait_s):
            limiter = self._limiter(integration, limited_as or operation)
            try:
                await limiter.acquire(wait_s=wait_s)
            except Throttled:
                _count(integration, operation, "rate_limit")
                raise
            # The slot is taken last: a probe must not hold the only one while it waits for its turn.
            slot = breaker.enter()
            if slot is None:
                raise self._closed(integration, operation, breaker)
            admission = Admission(integration.id, operation_class, limiter)
            try:
                yield admission
            finally:
                breaker.leave(slot, admission.signal)

    def meet(self, integration: Integration) -> None:
        """Follow an integration that was changed: what was counted and learned at its older settings is forgotten.

        A call that is under way with the older ones keeps what it was admitted by.
        """
        if integration.revision > self._revisions.get(integration.id, 0):
            self.forget(integration.id)
            self._revisions[integration.id] = integration.revision

    def forget(self, integration_id: str) -> None:
        """Keep no breaker and no limit of it any longer. Its quota stays: its calls may still be under way."""
        self._breakers = {key: kept for key, kept in self._breakers.items() if key[0] != integration_id}
        self._limiters = {key: kept for key, kept in self._limiters.items() if key[0] != integration_id}

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

            own = integration.settings
            self._breakers[key] = Breaker(
                f"{integration.id}/{operation_class}",
                threshold=own.breaker_threshold or self._settings.breaker_threshold,
                open_s=own.breaker_open_s or self._settings.breaker_open_s,
                clock=self._monotonic,
                on_change=changed,
            )
        return self._breakers[key]

    def paused_s(self, integration: Integration, operation_class: OperationClass, limited_as: str) -> float:
        """For how many seconds a call would certainly be refused; zero when it may be tried."""
        breaker, limiter = self.breaker(integration, operation_class), self._limiter(integration, limited_as)
        return max(breaker.wait_s, limiter.closed_s)

    def limits(self) -> tuple[LimitReport, ...]:
        """Every limit that was met so far, those without a number included."""
        return tuple(
            LimitReport(
                integration_id=integration.id,
                provider=integration.connector.name,
                operation=operation,
                calls=limiter.calls,
                per_s=None if limiter.limit is None else limiter.limit.per_s,
                allowed=limiter.allowed,
                used=limiter.used,
                throttled=limiter.put_off,
                turned_away=limiter.turned_away,
                closed_s=limiter.closed_s,
                resets_in_s=limiter.resets_in_s,
                shared=limiter.shared,
            )
            for (_, operation), (integration, limiter) in self._limiters.items()
        )

    @asynccontextmanager
    async def _counted(
        self, integration: Integration, operation: str, reason: str, quota: Quota, wait_s: float
    ) -> AsyncIterator[None]:
        taken = False
        try:
            async with quota.place(operation, wait_s=wait_s):
                taken = True
                yield
        except Throttled:
            if not taken:
                _count(integration, operation, reason)
            raise

    def _quota(self, integration: Integration) -> Quota:
        if integration.id not in self._quotas:
            places = self._settings.quotas.get(integration.id, self._settings.quota)
            self._quotas[integration.id] = Quota(places, provider=integration.connector.name)
        return self._quotas[integration.id]

    def _limiter(self, integration: Integration, operation: str) -> RateLimiter:
        key = (integration.id, operation)
        if key not in self._limiters:
            overrides, connector = self._settings.rate_limits, integration.connector
            limit = overrides[key] if key in overrides else connector.rate_limits.get(operation)
            counted = limit is not None or connector.read_limits is not None
            self._limiters[key] = (
                integration,
                RateLimiter(
                    limit,
                    clock=self._monotonic,
                    provider=connector.name,
                    operation=operation,
                    integration_id=integration.id,
                    share=self._share,
                    # What nobody counts is not worth a request to Redis for each call.
                    store=self._store if counted else None,
                    untold_pause_s=self._settings.untold_pause_s,
                ),
            )
        return self._limiters[key][1]

    def _closed(self, integration: Integration, operation: str, breaker: Breaker) -> NotSent:
        _count(integration, operation, "breaker_open")
        return NotSent(
            f"calls to {integration.id} are paused for {breaker.wait_s:.0f} s after repeated failures",
            provider=integration.connector.name,
            operation=operation,
            reason="breaker_open",
            retry_after_s=breaker.come_back_s(per_s=self._settings.come_back_per_s),
        )


def class_of(operation: Operation[Any, Any]) -> OperationClass:
    return "payment" if operation.moves_money else "inquiry"


def _count(integration: Integration, operation: str, reason: str) -> None:
    _REFUSED.add(
        1,
        {
            "kolaj.provider": integration.connector.name,
            "kolaj.integration": integration.id,
            "kolaj.operation": operation,
            "kolaj.reason": reason,
        },
    )
