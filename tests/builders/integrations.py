"""Facts about integrations, and about the workers that serve them."""

from typing import Any

from schemas.ids import new_id
from schemas.integrations import (
    BreakerChanged,
    CommandWithdrawn,
    HealthChecked,
    IntegrationStarted,
    IntegrationStopped,
    LagAlarm,
    RateLimitReported,
)
from tests.builders.records import NOON


def a_health_checked(**changed: Any) -> HealthChecked:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "status": "healthy",
        "response_time_ms": 85,
        "checked_at": NOON,
    }
    return HealthChecked(**(given | changed))


def a_breaker_changed(**changed: Any) -> BreakerChanged:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation_class": "payments",
        "process": "worker-1",
        "before": "closed",
        "state": "open",
        "changed_at": NOON,
    }
    return BreakerChanged(**(given | changed))


def an_integration_stopped(**changed: Any) -> IntegrationStopped:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "stopped_by": "Işıl",
        "why": "charges twice",
        "stopped_at": NOON,
    }
    return IntegrationStopped(**(given | changed))


def an_integration_started(**changed: Any) -> IntegrationStarted:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "started_by": "Çağrı",
        "stopped_by": "Işıl",
        "stopped_at": NOON,
        "started_at": NOON,
    }
    return IntegrationStarted(**(given | changed))


def a_command_withdrawn(**changed: Any) -> CommandWithdrawn:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "key": f"payments/{new_id()}",
        "integration_id": "iyzico-main",
        "withdrawn_by": "Işıl",
        "why": "the order was cancelled",
        "withdrawn_at": NOON,
    }
    return CommandWithdrawn(**(given | changed))


def a_rate_limit_reported(**changed: Any) -> RateLimitReported:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation": "create",
        "process": "worker-1",
        "limit_calls": 50,
        "window_ms": 60_000,
        "allowed": 25,
        "used": 10,
        "throttled": 0,
        "turned_away": 0,
        "shared": False,
        "reported_at": NOON,
    }
    return RateLimitReported(**(given | changed))


def a_lag_alarm(**changed: Any) -> LagAlarm:
    given: dict[str, Any] = {
        "group": "kolaj.payments",
        "topic": "kolaj.payments.commands",
        "partition": 2,
        "process": "worker-1",
        "records": 12,
        "age_ms": 302_400_001,
        "bound_ms": 302_400_000,
        "seen_at": NOON,
    }
    return LagAlarm(**(given | changed))
