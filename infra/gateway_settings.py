"""Where and how the HTTP edge listens."""

from typing import Annotated

from pydantic import Field, field_validator

from infra.return_settings import ReturnSettings


class GatewaySettings(ReturnSettings):
    """The part of the settings that the gateway alone reads."""

    gateway_bind: Annotated[str, Field(validation_alias="KOLAJ_GATEWAY_BIND")] = "127.0.0.1:8080"

    @field_validator("gateway_bind")
    @classmethod
    def _bind(cls, text: str) -> str:
        host, colon, port = text.rpartition(":")
        if not (host and colon and port.isdecimal() and port.isascii() and int(port) < 65536):  # noqa: PLR2004 - 16 bits
            raise ValueError("must be host:port, such as 127.0.0.1:8080; port 0 takes any that is free")
        return text

    @property
    def gateway_host(self) -> str:
        return self.gateway_bind.rpartition(":")[0].strip("[]")

    @property
    def gateway_port(self) -> int:
        return int(self.gateway_bind.rpartition(":")[2])
