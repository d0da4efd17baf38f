"""From a connector, an account's settings and its secrets to an integration that can be called. Pure."""

from dataclasses import replace
from typing import NoReturn
from urllib.parse import urlsplit

from providers.connection_settings import ConnectionSettings
from providers.connector import (
    Answer,
    Connector,
    Credentials,
    HealthProbe,
    Integration,
    LiveCredentials,
    RateLimit,
    Request,
)
from providers.loopback import is_loopback
from schemas.integrations import Kind


class Unconfigurable(ValueError):
    """These settings cannot be. `field` names the setting, the message says what to do."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def configured(
    integration_id: str,
    connector: Connector,
    environment: str,
    settings: ConnectionSettings,
    live: LiveCredentials,
    *,
    revision: int = 0,
    lacks: str | None = None,
) -> Integration:
    """The integration.

    Raises:
        Unconfigurable: the provider has no such environment, or a setting goes against what the connector needs.
    """
    base_url = settings.base_url or connector.base_urls.get(environment)
    if base_url is None:
        raise Unconfigurable("base_url", f"{connector.name} has no {environment} environment; give a base_url")
    if settings.rate_limits:
        limits = {name: RateLimit(limit.calls, limit.per_s) for name, limit in settings.rate_limits.items()}
        connector = replace(connector, rate_limits={**connector.rate_limits, **limits})
    return Integration(
        integration_id,
        _with_window(connector, settings, base_url),
        environment,
        base_url,
        live.current,
        live.retiring,
        settings,
        revision,
        lacks,
    )


def unusable(integration_id: str, provider: str, kind: Kind, environment: str, lacks: str) -> Integration:
    """An integration that this process cannot call: its commands wait, perhaps for a newer version of the hub."""
    stand_in = Connector(
        name=provider,
        kind=kind,
        base_urls={},
        credentials=(),
        sign=_never,
        verify=_never,
        operations=(),
        probe=HealthProbe(Request("GET", "/"), _never),
    )
    return Integration(integration_id, stand_in, environment, "", {}, lacks=lacks)


def _with_window(connector: Connector, settings: ConnectionSettings, base_url: str) -> Connector:
    wanted = settings.absence_window_s
    if wanted is None:
        return connector
    simulated = is_loopback(urlsplit(base_url).hostname or "")
    operations = []
    for operation in connector.operations:
        if wanted < operation.absence_window_s and not simulated:
            raise Unconfigurable(
                "absence_window_s",
                f"absence_window_s {wanted:g} is shorter than the {operation.absence_window_s:g} s that "
                f"{connector.name} needs; only a simulator here may have less",
            )
        operations.append(replace(operation, absence_window_s=wanted))
    return replace(connector, operations=tuple(operations))


def _never(*_: Request | Answer | Credentials | str) -> NoReturn:
    raise AssertionError("an integration that lacks something is never called")
