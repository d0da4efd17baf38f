"""Credentials as connectors see them: a mapping that opens a value when it is looked at, and keeps none open."""

from collections.abc import Iterator, Mapping
from typing import NoReturn

from pydantic import SecretStr

from agents.vault.box import Boxed
from agents.vault.store import Version, place_of
from schemas.errors import NotSent


class OpeningCredentials(Mapping[str, SecretStr]):
    """One version of an account's credentials."""

    __slots__ = ("_boxed", "_version")

    def __init__(self, version: Version, boxed: Mapping[str, Boxed]) -> None:
        self._version = version
        self._boxed = {
            name: (one, place_of(version.integration_id, name, version.number)) for name, one in boxed.items()
        }

    def __getitem__(self, name: str) -> SecretStr:
        boxed, place = self._boxed[name]
        with boxed.open(place) as secret:
            return SecretStr(secret.reveal())

    def __iter__(self) -> Iterator[str]:
        return iter(self._boxed)

    def __len__(self) -> int:
        return len(self._boxed)

    def __repr__(self) -> str:
        return f"OpeningCredentials({self._version.integration_id}, version {self._version.number})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        del protocol
        raise TypeError("credentials are neither pickled nor copied")


class NoCredentials(Mapping[str, SecretStr]):
    """Of an account whose credentials were revoked while it was in use: its calls are not sent, and wait."""

    __slots__ = ("_integration_id", "_provider")

    def __init__(self, integration_id: str, provider: str) -> None:
        self._integration_id = integration_id
        self._provider = provider

    def __getitem__(self, name: str) -> NoReturn:
        raise NotSent(
            f"{self._integration_id} has no live credentials; set them with `kolaj credentials set`",
            provider=self._provider,
            operation=name,
            reason="no_credentials",
        )

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
