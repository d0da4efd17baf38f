"""Where shoppers come back from their banks, and where they may be sent on to."""

import re
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from infra.edge_access_settings import EdgeAccessSettings
from providers.loopback import is_loopback

_LETTERS: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class ReturnSettings(EdgeAccessSettings):
    """The part of the settings by which return addresses are made."""

    public_url: Annotated[str | None, Field(validation_alias="KOLAJ_PUBLIC_URL")] = None
    return_origins: Annotated[tuple[str, ...], NoDecode, Field(validation_alias="KOLAJ_RETURN_ORIGINS")] = ()

    @field_validator("return_origins", mode="before")
    @classmethod
    def _listed_origins(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _own_address(self) -> Self:
        if self.public_url is not None and not self._may_stand(self.public_url):
            raise ValueError(
                "KOLAJ_PUBLIC_URL: must be https://host, as browsers reach the gateway; http:// on this machine in a "
                "sandbox"
            )
        return self

    @model_validator(mode="after")
    def _allow_list(self) -> Self:
        for origin in self.return_origins:
            if not self._may_stand(origin):
                raise ValueError(
                    "KOLAJ_RETURN_ORIGINS: must be origins such as https://shop.example, separated by commas: lower "
                    "case, no path, no star; http:// on this machine in a sandbox"
                )
        return self

    def _may_stand(self, origin: str) -> bool:
        plain_too = self.environment == "sandbox"
        return origin_of(origin) == origin and (origin.startswith("https:") or (plain_too and _is_here(origin)))


def origin_of(address: str) -> str | None:
    """Scheme, host and port of an address, as browsers compare them; `None` for what browsers might read otherwise.

    Taken are the letters of RFC 3986 alone, a host in lower case, and neither user nor password.
    """
    if not _LETTERS.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    named = address.startswith(f"{scheme}://") and scheme in _DEFAULT_PORTS
    if not named or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{host}:{port}"


def _is_here(origin: str) -> bool:
    host = urlsplit(origin).hostname
    return host is not None and is_loopback(host)
