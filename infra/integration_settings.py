"""Which accounts at which providers the hub works for, and their secrets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, SecretStr, TypeAdapter, ValidationError, field_validator

from infra.listed import read_list
from providers.configured import Unconfigurable, configured
from providers.connection_settings import ConnectionSettings
from providers.connector import Connector, Integration, LiveCredentials
from schemas.base import IntegrationId
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from infra.settings import Settings

_LONGEST_SECRET: Final = 4096
TO_UPPER: Final = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)} | {ord("-"): ord("_")}
"""From an id or a credential's name to how a variable spells it, whatever the locale."""


class IntegrationSettings(ConnectionSettings):
    """One entry of `KOLAJ_INTEGRATIONS`.

    Attributes:
        environment: the hub's own when it is left out; another one is refused.
        ca_file: PEM file of the authorities to trust instead of the system's.
        settings: what the provider alone has, by the names of its connector; no secrets.
    """

    id: IntegrationId
    provider: str
    environment: Literal["sandbox", "production"] | None = None
    ca_file: str | None = None
    settings: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)

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
    return integration_id.translate(TO_UPPER) + "_"


def without_secrets(settings: "Settings") -> tuple[str, ...]:
    """The integrations none of whose secrets is a variable: theirs are in the store of credentials."""
    prefixes = {entry.id: credential_prefix(entry.id) for entry in settings.integrations}
    # `IYZICO_MAIN_API_KEY` is one of iyzico-main's, and none of an iyzico's beside it.
    theirs = {max(filter(name.startswith, prefixes.values()), key=len) for name in settings.secrets}
    return tuple(name for name, prefix in prefixes.items() if prefix not in theirs)


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
        try:
            loaded[entry.id] = configured(
                entry.id,
                connector,
                environment,
                _settings_of(connector, entry),
                (stored or {}).get(entry.id) or LiveCredentials(_credentials(entry.id, connector, settings.secrets)),
            )
        except Unconfigurable as bad:
            raise SettingsError(f"KOLAJ_INTEGRATIONS: entry {index}, {entry.id}: {bad}") from bad
    return loaded


def _settings_of(connector: Connector, entry: IntegrationSettings) -> ConnectionSettings:
    """All that the entry sets, as the connector's own model.

    Raises:
        Unconfigurable: the provider has no such setting, or it cannot be.
    """
    common = ConnectionSettings.model_fields.keys()
    for name in entry.settings.keys() & common:
        raise Unconfigurable(name, f"{name} stands in settings; every provider has it, put it beside them")
    given = entry.model_dump(mode="json", include=set(common), exclude_unset=True) | entry.settings
    try:
        # Through JSON, as it came: strictly read, "5" is no number, yet a list may become a tuple.
        return connector.settings.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        why = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            own = ", ".join(name for name in connector.settings.model_fields if name not in common)
            why = f"{connector.name} has no such setting; its own are {own or 'none'}"
        raise Unconfigurable(field, f"settings.{field}: {why}") from None


class EnvironmentCredentials:
    """Secrets of integrations of the registry that stand in variables, as those of `KOLAJ_INTEGRATIONS` do.

    Those of an account of the settings are its own: one whose id is spelled like it in capitals gets none of them.
    """

    def __init__(self, settings: "Settings") -> None:
        self._variables = settings.variables
        self._taken = {credential_prefix(entry.id): entry.id for entry in settings.integrations}

    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        prefix = credential_prefix(integration_id)
        if self._taken.get(prefix, integration_id) != integration_id:
            return None
        found = {name: self._variables.get(prefix + name.translate(TO_UPPER)) for name in names}
        given = {name: secret for name, secret in found.items() if secret is not None and secret.get_secret_value()}
        return LiveCredentials(given) if len(given) == len(names) else None

    async def version(self) -> int:
        """Variables are read once."""
        return 0


def _credentials(integration_id: str, connector: Connector, secrets: Mapping[str, SecretStr]) -> dict[str, SecretStr]:
    credentials = {}
    for name in connector.credentials:
        variable = credential_prefix(integration_id) + name.translate(TO_UPPER)
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
