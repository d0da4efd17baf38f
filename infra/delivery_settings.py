"""How outgoing webhooks are sent, and where they may go."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from agents.deliveries.decide import Patience
from agents.deliveries.destinations import Rules
from infra.credential_settings import Seconds
from infra.gateway_settings import GatewaySettings


class DeliverySettings(GatewaySettings):
    """The part of the settings that the sender reads, and the gateway where endpoints are made."""

    delivery_timeout_s: Annotated[float, Field(validation_alias="KOLAJ_DELIVERY_TIMEOUT_S", gt=0, le=60)] = 15
    delivery_concurrency: Annotated[int, Field(validation_alias="KOLAJ_DELIVERY_CONCURRENCY", ge=2, le=2000)] = 96
    delivery_ports: Annotated[tuple[int, ...], NoDecode, Field(validation_alias="KOLAJ_DELIVERY_PORTS")] = (443, 8443)
    delivery_loopback: Annotated[bool, Field(validation_alias="KOLAJ_DELIVERY_LOOPBACK")] = False
    delivery_disable_after_s: Annotated[Seconds, Field(validation_alias="KOLAJ_DELIVERY_DISABLE_AFTER_S")] = 259_200
    delivery_disable_after_failures: Annotated[
        int, Field(validation_alias="KOLAJ_DELIVERY_DISABLE_AFTER_FAILURES", ge=1, le=100_000)
    ] = 100

    @field_validator("delivery_ports", mode="before")
    @classmethod
    def _ports(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isdecimal() and part.isascii() and 0 < int(part) < 65536 for part in parts):  # noqa: PLR2004 - 16 bits
            raise ValueError("must be ports separated by commas, such as 443,8443")
        return tuple(int(part) for part in parts)

    @model_validator(mode="after")
    def _loopback_rule(self) -> Self:
        if self.delivery_loopback and self.environment != "sandbox":
            raise ValueError(
                "KOLAJ_DELIVERY_LOOPBACK: is for trying things out; in production whoever makes an endpoint could "
                "reach what listens on the sender's machine"
            )
        return self

    @property
    def delivery_rules(self) -> Rules:
        return Rules(frozenset(self.delivery_ports), self.delivery_loopback)

    def delivery_patience(self, tiers_s: tuple[int, ...]) -> Patience:
        return Patience(tiers_s, self.delivery_disable_after_s, self.delivery_disable_after_failures)
