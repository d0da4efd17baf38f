"""Which accounts at which providers the hub works for, and their secrets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, field_validator

from infra.listed import read_list
from providers.connector import Connector, Integration, LiveCredentials, RateLimit
from schemas.base import IntegrationId
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from infra.settings import Settings

_LONGEST_SECRET: Final = 4096
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_TO_UPPER: Final = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)} | {ord("-"): ord("_")}


class RateLimitSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: Annotated[int, Field(ge=1)]
    per_s: Annotated[float, Field(gt=0)]


class IntegrationSettings(BaseModel):
    """One entry of `KOLAJ_INTEGRATIONS`.

    Attributes:
        environment: the hub's own when it is left out; another one is refused.
        base_url: instead of the provider's own address, for its simulator; plain HTTP only to this machine.
        rate_limits: by operation, instead of the connector's.
        ca_file: PEM file of the authorities to trust instead of the system's.
        breaker_threshold: failures in a row that open a breaker of this account.
        breaker_open_s: how long it then stays open, in seconds.
        absence_window_s: how long "not found" proves nothing, in seconds. It may be longer than the connector's;
            shorter only for a simulator on this machine, whose word has authority at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: IntegrationId
    provider: str
    environment: Literal["sandbox", "production"] | None = None
    base_url: str | None = None
    rate_limits: dict[str, RateLimitSettings] = Field(default_factory=dict)
    ca_file: str | None = None
    breaker_threshold: Annotated[int, Field(ge=1, le=1_000)] | None = None
    breaker_open_s: Annotated[float, Field(gt=0, le=3_600)] | None = None
    absence_window_s: Annotated[float, Field(gt=0, le=86_400)] | None = None

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and on_this_machine(parts))):
            raise ValueError("must be https://host, or http:// on this machine only: secrets travel with each request")
        return url.rstrip("/")

    @field_validator("ca_file")
    @classmethod
    def _file(cls, path: str | None) -> str | None:
        if path is not None and not Path(path).is_file():
            raise ValueError(f"{path} is not a file")
        return path


_ENTRIES: Final = TypeAdapter(tuple[IntegrationSettings, ...])


def read_integrations(text: str) -> tuple[IntegrationSettings, ...]:
    """The entries of a JSON list, or of the file that holds one.

    Raises:
        ValueError: not such a list; the message says where.
    """
    entries = read_list(text, _ENTRIES)
    _distinct(entries)
    return entries


def credential_prefix(integration_id: str) -> str:
    """How the names of its secrets begin: `iyzico-main` gives `IYZICO_MAIN_`, whatever the locale."""
    return integration_id.translate(_TO_UPPER) + "_"


def on_this_machine(address: SplitResult) -> bool:
    """Whether the address is the loopback's: what goes there leaves no machine."""
    return address.hostname in _LOOPBACK


def without_secrets(settings: "Settings") -> tuple[str, ...]:
    """The integrations none of whose secrets is a variable: theirs are in the store of credentials."""
    return tuple(
        entry.id
        for entry in settings.integrations
        if not any(name.startswith(credential_prefix(entry.id)) for name in settings.secrets)
    )


def load_integrations(
    settings: "Settings", connectors: Mapping[str, Connector], stored: Mapping[str, LiveCredentials] | None = None
) -> dict[str, Integration]:
    """The integrations by id, each with its connector and secrets.

    Args:
        stored: by id, the credentials of those whose secrets are not variables.

    Raises:
        SettingsError: unknown provider, no address for the environment, a secret that is missing or cannot be right.
    """
    loaded: dict[str, Integration] = {}
    for index, entry in enumerate(settings.integrations):
        connector = connectors.get(entry.provider)
        if connector is None:
            raise SettingsError(
                f"KOLAJ_INTEGRATIONS: entry {index}, {entry.id}: no provider is called {entry.provider}; "
                f"there are {', '.join(sorted(connectors)) or 'none'}"
            )
        environment = entry.environment or settings.environment
        base_url = entry.base_url or connector.base_urls.get(environment)
        if base_url is None:
            raise SettingsError(
                f"KOLAJ_INTEGRATIONS: entry {index}, {entry.id}: {connector.name} has no {environment} environment; "
                "give a base_url"
            )
        if entry.rate_limits:
            limits = {name: RateLimit(limit.calls, limit.per_s) for name, limit in entry.rate_limits.items()}
            connector = replace(connector, rate_limits={**connector.rate_limits, **limits})
        connector = _with_window(entry, connector, base_url)
        live = (stored or {}).get(entry.id)
        if live is None:
            live = LiveCredentials(_credentials(entry.id, connector, settings.secrets))
        loaded[entry.id] = Integration(entry.id, connector, environment, base_url, live.current, live.retiring)
    return loaded


def _with_window(entry: IntegrationSettings, connector: Connector, base_url: str) -> Connector:
    wanted = entry.absence_window_s
    if wanted is None:
        return connector
    simulated = on_this_machine(urlsplit(base_url))
    operations = []
    for operation in connector.operations:
        if wanted < operation.absence_window_s and not simulated:
            raise SettingsError(
                f"KOLAJ_INTEGRATIONS: {entry.id}: absence_window_s {wanted:g} is shorter than the "
                f"{operation.absence_window_s:g} s that {connector.name} needs; only a simulator here may have less"
            )
        operations.append(replace(operation, absence_window_s=wanted))
    return replace(connector, operations=tuple(operations))


def _credentials(integration_id: str, connector: Connector, secrets: Mapping[str, SecretStr]) -> dict[str, SecretStr]:
    credentials = {}
    for name in connector.credentials:
        variable = credential_prefix(integration_id) + name.translate(_TO_UPPER)
        secret = secrets.get(variable)
        if secret is None:
            raise SettingsError(
                f"{variable} is not set; {connector.name} needs its {name} for {integration_id}. Set it, or store all "
                f"its credentials with `kolaj credentials set {integration_id}`"
            )
        fault = pasting_fault(secret.get_secret_value())
        if fault:
            raise SettingsError(f"{variable} {fault}")
        credentials[name] = secret
    return credentials


def pasting_fault(secret: str) -> str | None:
    """What cannot be right about a secret, without repeating it; pasting is where keys go wrong."""
    if not secret:
        return "is empty; set it to the key that the provider gave you"
    if secret != secret.strip():
        return "begins or ends with a blank or a line break; copy it again without them"
    if secret[0] == secret[-1] and secret[0] in "\"'":
        return "stands in quotation marks; they would be part of the key, take them off"
    if any(letter.isspace() or not letter.isprintable() for letter in secret):
        return "has a blank or an unprintable character inside; copy it again"
    if len(secret) > _LONGEST_SECRET:
        return f"is longer than {_LONGEST_SECRET} characters; that is no key"
    return None


def _distinct(entries: tuple[IntegrationSettings, ...]) -> None:
    owners: dict[str, str] = {}
    for entry in entries:
        prefix = credential_prefix(entry.id)
        if prefix in owners:
            both: Any = f"{owners[prefix]} and {entry.id}"
            raise ValueError(f"{both} would share the secrets {prefix}…; give each integration an id of its own")
        owners[prefix] = entry.id
