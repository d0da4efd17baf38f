"""Where and how the HTTP edge listens, and what it puts up with."""

from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from infra.credential_settings import Seconds
from infra.return_settings import ReturnSettings

LARGEST_BODY: Final = 512 * 1024
"""What still fits into a record of Kafka when it is sealed and written as base64."""


class GatewaySettings(ReturnSettings):
    """The part of the settings that the gateway alone reads."""

    gateway_bind: Annotated[str, Field(validation_alias="KOLAJ_GATEWAY_BIND")] = "127.0.0.1:8080"
    gateway_metrics_bind: Annotated[str | None, Field(validation_alias="KOLAJ_GATEWAY_METRICS_BIND")] = None
    gateway_proxies: Annotated[tuple[str, ...], NoDecode, Field(validation_alias="KOLAJ_GATEWAY_PROXIES")] = ()
    gateway_max_body: Annotated[
        int, Field(validation_alias="KOLAJ_GATEWAY_MAX_BODY_BYTES", ge=1024, le=LARGEST_BODY)
    ] = 262_144
    gateway_max_requests: Annotated[int, Field(validation_alias="KOLAJ_GATEWAY_MAX_REQUESTS", ge=1, le=10_000)] = 500
    gateway_max_connections: Annotated[
        int, Field(validation_alias="KOLAJ_GATEWAY_MAX_CONNECTIONS", ge=1, le=100_000)
    ] = 1000
    gateway_header_s: Annotated[Seconds, Field(validation_alias="KOLAJ_GATEWAY_HEADER_S")] = 10
    gateway_body_s: Annotated[Seconds, Field(validation_alias="KOLAJ_GATEWAY_BODY_S")] = 20
    gateway_unready_s: Annotated[float, Field(validation_alias="KOLAJ_GATEWAY_UNREADY_S", ge=0, le=300)] = 2
    gateway_drain_s: Annotated[Seconds, Field(validation_alias="KOLAJ_GATEWAY_DRAIN_S")] = 15

    @field_validator("gateway_bind", "gateway_metrics_bind")
    @classmethod
    def _bind(cls, text: str | None) -> str | None:
        if text is None:
            return None
        host, colon, port = text.rpartition(":")
        if not (host and colon and port.isdecimal() and port.isascii() and int(port) < 65536):  # noqa: PLR2004 - 16 bits
            raise ValueError("must be host:port, such as 127.0.0.1:8080; port 0 takes any that is free")
        return text

    @field_validator("gateway_proxies", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("gateway_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError("must be addresses or networks, such as 10.0.0.7,10.1.0.0/16") from None
        return proxies

    @property
    def gateway_host(self) -> str:
        return host_and_port(self.gateway_bind)[0]

    @property
    def gateway_port(self) -> int:
        return host_and_port(self.gateway_bind)[1]


def host_and_port(bind: str) -> tuple[str, int]:
    """The two parts of a checked address."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)
