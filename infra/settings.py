"""What the hub is told from outside: read once, checked before anything starts, never changed afterwards."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
)

from infra.access_settings import password_of
from infra.credential_settings import Seconds
from infra.delivery_settings import DeliverySettings
from infra.integration_settings import IntegrationSettings, credential_prefix, read_integrations
from infra.routing_settings import read_routing, unknown_integration
from schemas.errors import SettingsError
from schemas.routing import RoutingRule
from streams.topics import Topics

DAY_S = 24 * 3600
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(DeliverySettings):
    """The whole configuration. Each field's alias is the name of its environment variable."""

    redis_url: Annotated[SecretStr | None, Field(validation_alias="REDIS_URL")] = None

    topic_prefix: Annotated[
        str, Field(validation_alias="KOLAJ_TOPIC_PREFIX", pattern=r"^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$")
    ] = "kolaj"
    partitions: Annotated[int, Field(validation_alias="KOLAJ_PARTITIONS", ge=1, le=1000)] = 6
    replication: Annotated[int, Field(validation_alias="KOLAJ_REPLICATION", ge=1, le=9)] = 1
    min_insync: Annotated[int, Field(validation_alias="KOLAJ_MIN_INSYNC", ge=1, le=9)] = 1

    lease_s: Annotated[Seconds, Field(validation_alias="KOLAJ_LEASE_S")] = 30
    deadline_s: Annotated[Seconds, Field(validation_alias="KOLAJ_DEADLINE_S")] = 15
    lease_margin_s: Annotated[Seconds, Field(validation_alias="KOLAJ_LEASE_MARGIN_S")] = 5
    rebalance_timeout_s: Annotated[Seconds, Field(validation_alias="KOLAJ_REBALANCE_TIMEOUT_S")] = 60
    session_timeout_s: Annotated[float, Field(validation_alias="KOLAJ_SESSION_TIMEOUT_S", ge=6, le=1800)] = 30
    max_in_flight: Annotated[Count, Field(validation_alias="KOLAJ_MAX_IN_FLIGHT")] = 200
    window_size: Annotated[Count, Field(validation_alias="KOLAJ_WINDOW_SIZE")] = 2_000
    unknown_after_s: Annotated[Seconds, Field(validation_alias="KOLAJ_UNKNOWN_AFTER_S")] = 3600
    give_up_after_s: Annotated[Seconds, Field(validation_alias="KOLAJ_GIVE_UP_AFTER_S")] = 24 * 3600
    abandon_after_s: Annotated[Seconds, Field(validation_alias="KOLAJ_ABANDON_AFTER_S")] = 3600
    transfer_abandon_after_s: Annotated[Seconds, Field(validation_alias="KOLAJ_TRANSFER_ABANDON_AFTER_S")] = 72 * 3600
    give_up_after_tries: Annotated[Count, Field(validation_alias="KOLAJ_GIVE_UP_AFTER_TRIES")] = 100
    retry_delays_s: Annotated[tuple[int, ...], NoDecode, Field(validation_alias="KOLAJ_RETRY_DELAYS_S")] = (
        10,
        60,
        600,
        3600,
    )
    webhook_wait_s: Annotated[float, Field(validation_alias="KOLAJ_WEBHOOK_WAIT_S", ge=1, le=5 * DAY_S)] = DAY_S
    stall_s: Annotated[Seconds, Field(validation_alias="KOLAJ_STALL_S")] = 120
    resolve_alone_minor: Annotated[int, Field(validation_alias="KOLAJ_RESOLVE_ALONE_MINOR", ge=0)] = 100_000
    health_interval_s: Annotated[Seconds, Field(validation_alias="KOLAJ_HEALTH_INTERVAL_S")] = 60

    integrations: Annotated[
        tuple[IntegrationSettings, ...], NoDecode, Field(validation_alias="KOLAJ_INTEGRATIONS")
    ] = ()
    routing: Annotated[tuple[RoutingRule, ...], NoDecode, Field(validation_alias="KOLAJ_ROUTING")] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: `read_settings` is the one place that looks at the environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    _secrets: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _variables: dict[str, SecretStr] = PrivateAttr(default_factory=dict)

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(validation_alias="KOLAJ_LOG_LEVEL")] = (
        "INFO"
    )
    otlp_endpoint: Annotated[str | None, Field(validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")] = None

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        try:
            known = parts.scheme in {"redis", "rediss", "unix"} and parts.port != 0
        except ValueError:
            known = False
        if not known or not (parts.hostname or parts.path):
            raise ValueError("must be like redis://:password@host:6379/0, rediss://… or unix:///path")
        return url

    @field_validator("retry_delays_s", mode="before")
    @classmethod
    def _delays(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isdecimal() and part.isascii() for part in parts):
            raise ValueError("must be whole seconds separated by commas, such as 10,60,600,3600")
        return tuple(int(part) for part in parts)

    @field_validator("retry_delays_s")
    @classmethod
    def _rising(cls, delays: tuple[int, ...]) -> tuple[int, ...]:
        if not delays or list(delays) != sorted(set(delays)) or delays[0] < 1 or delays[-1] > DAY_S:
            raise ValueError("must rise from 1 second or more to a day at most; each becomes a topic of its own")
        return delays

    @field_validator("integrations", mode="before")
    @classmethod
    def _integrations(cls, value: object) -> object:
        return read_integrations(value) if isinstance(value, str) else value

    @field_validator("routing", mode="before")
    @classmethod
    def _rules(cls, value: object) -> object:
        return read_routing(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _routing_rule(self) -> Self:
        unknown = unknown_integration(self.routing, {item.id for item in self.integrations})
        if unknown is not None:
            raise ValueError(
                f"KOLAJ_ROUTING: {unknown}, which KOLAJ_INTEGRATIONS does not have; add it, or name another"
            )
        return self

    @model_validator(mode="after")
    def _lease_rule(self) -> Self:
        if not self.deadline_s + self.lease_margin_s < self.lease_s < self.rebalance_timeout_s:
            raise ValueError(
                "KOLAJ_LEASE_S: deadline + margin < lease < rebalance timeout must hold, so that a call ends before "
                f"its lease and a lease before its partition moves; now {self.deadline_s:g} + {self.lease_margin_s:g}, "
                f"{self.lease_s:g}, {self.rebalance_timeout_s:g} (KOLAJ_DEADLINE_S, KOLAJ_LEASE_MARGIN_S, "
                "KOLAJ_LEASE_S, KOLAJ_REBALANCE_TIMEOUT_S)"
            )
        if self.stall_s <= self.rebalance_timeout_s:
            raise ValueError(
                "KOLAJ_STALL_S: must be longer than KOLAJ_REBALANCE_TIMEOUT_S, or a worker ends while its group is "
                f"being put together; now {self.stall_s:g} and {self.rebalance_timeout_s:g}"
            )
        if self.window_size < self.max_in_flight:
            raise ValueError("KOLAJ_WINDOW_SIZE: must be at least KOLAJ_MAX_IN_FLIGHT, or the window is the limit")
        if self.min_insync > self.replication:
            raise ValueError("KOLAJ_MIN_INSYNC: cannot be more than KOLAJ_REPLICATION")
        return self

    @model_validator(mode="after")
    def _production_rule(self) -> Self:
        if self.environment == "production" and (self.replication < 3 or self.min_insync < 2):  # noqa: PLR2004
            raise ValueError(
                "KOLAJ_REPLICATION: production needs 3 copies or more, and KOLAJ_MIN_INSYNC 2 or more; with fewer, one "
                "lost disk loses what was acknowledged"
            )
        other = [item.id for item in self.integrations if item.environment not in {None, self.environment}]
        if other:
            raise ValueError(
                f"KOLAJ_INTEGRATIONS: {', '.join(other)} is not of environment {self.environment} (KOLAJ_ENVIRONMENT); "
                "run sandbox and production apart, each with its own topics and database"
            )
        return self

    @property
    def secrets(self) -> Mapping[str, SecretStr]:
        """The variables whose names begin with an integration's prefix."""
        return self._secrets

    @property
    def variables(self) -> Mapping[str, SecretStr]:
        """All that was read: the secrets of integrations that are added later are looked for here."""
        return self._variables

    @property
    def redis_password(self) -> str | None:
        """For the scrubber, which must know it apart from the address."""
        return None if self.redis_url is None else password_of(self.redis_url)

    @cached_property
    def topics(self) -> Topics:
        return Topics(self.topic_prefix, self.partitions, self.retry_delays_s)

    @property
    def lag_bound_s(self) -> float:
        """The age at which a record that nobody has finished is an alarm: half of what its topic keeps it for."""
        return self.topics.payment_commands.retention_ms / 2000

    def topics_name(self, name: str) -> str:
        """A topic's full name from itself or from what follows the prefix."""
        return name if name.startswith(f"{self.topic_prefix}.") else f"{self.topic_prefix}.{name}"


def read_settings(
    *, kafka: bool = True, database: bool = True, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the environment (this process's, or the one given), and below it the file that `KOLAJ_ENV_FILE` names.

    `kafka` and `database` tell whose address must be there; a publisher has no database.

    Raises:
        SettingsError: something is missing or wrong; the message names the variable and what to do.
    """
    variables = os.environ if environment is None else environment
    path = variables.get("KOLAJ_ENV_FILE") or None
    if path is not None and not Path(path).is_file():
        raise SettingsError(f"KOLAJ_ENV_FILE: {path} is not a file; name one with lines like NAME=value, or unset it")
    filed = dotenv_values(path, encoding="utf-8") if path else {}
    known = {name: value for name, value in {**filed, **variables}.items() if value is not None}
    try:
        settings = Settings.model_validate(known)
    except ValidationError as bad:
        raise SettingsError("; ".join(_faults(bad))) from None
    if kafka and not settings.bootstrap:
        raise SettingsError(
            "KAFKA_BOOTSTRAP is not set; set it to host:port of a broker; `kolaj up` starts a local one"
        )
    if database and not settings.database_address.get_secret_value():
        raise SettingsError(
            "DATABASE_URL is not set; set it to postgresql://user:password@host:5432/database; `kolaj up` starts one"
        )
    prefixes = tuple(credential_prefix(item.id) for item in settings.integrations)
    secrets = {name: SecretStr(value) for name, value in known.items() if prefixes and name.startswith(prefixes)}
    settings._secrets = secrets  # noqa: SLF001 - set once, here, before anybody sees the settings
    settings._variables = {name: SecretStr(value) for name, value in known.items()}  # noqa: SLF001 - likewise
    return settings


def _faults(bad: ValidationError) -> list[str]:
    faults = []
    for error in bad.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(step) for step in error["loc"])
        message = error["msg"].removeprefix("Value error, ")
        faults.append(f"{where}: {message}" if where else message)
    return faults
