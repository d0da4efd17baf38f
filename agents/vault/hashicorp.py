"""Credentials in HashiCorp Vault or OpenBao: documents of the KV engine, whose values the transit engine sealed.

One document holds all versions of one integration and is written with check-and-set, so that a version and the end of
the one before it appear together. Its values are transit ciphertexts under a key that is derived from their place:
whoever may read the KV engine alone reads nothing. A second document counts the changes, for workers to poll.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from agents.vault.envelope import SealBroken
from agents.vault.hashicorp_api import CasFailed, Document, NotOpened, VaultApi
from agents.vault.secret import Secret
from agents.vault.store import CredentialConflict, NoSuchVersion, OpenVersion, Version, ends_at, newest, place_of
from schemas.envelope import rfc3339

_TRIES: Final = 10
"""For the document of changes: writers of other integrations may be faster."""

_Stored = dict[str, Any]
"""One version as the document holds it."""


class HashicorpCredentials:
    """A `CredentialStore` in Vault.

    Args:
        prefix: the folder of the KV engine; one for each environment.
    """

    name: Final = "credentials in Vault"

    def __init__(self, api: VaultApi, *, prefix: str) -> None:
        self._api = api
        self._prefix = prefix

    async def put(
        self,
        integration_id: str,
        values: Mapping[str, Secret],
        *,
        by: str,
        at: datetime,
        follows: int,
        overlap_s: float = 0,
    ) -> Version:
        document, stored = await self._read(integration_id)
        versions = [_version(integration_id, one) for one in stored]
        if newest(versions) != follows:
            raise CredentialConflict(integration_id, newest(versions))
        made = Version(integration_id, follows + 1, tuple(sorted(values)), at, by, live_from=at)
        named = list(values.items())
        sealed = await self._api.encrypt(
            [(secret, place_of(integration_id, name, made.number)) for name, secret in named]
        )
        for one, version in zip(stored, versions, strict=True):
            if version.is_live(at):
                one["live_until"] = rfc3339(ends_at(version, at, overlap_s))
        stored.append(_stored(made, {name: value for (name, _), value in zip(named, sealed, strict=True)}))
        await self._write(integration_id, document, stored, at)
        return made

    async def live(self, integration_id: str, at: datetime) -> tuple[OpenVersion, ...]:
        _, stored = await self._read(integration_id)
        found = []
        for one in reversed(stored):
            version = _version(integration_id, one)
            if version.is_live(at):
                found.append(OpenVersion(version, await self._open(version, one["fields"])))
        return tuple(found)

    async def revoke(self, integration_id: str, number: int, *, by: str, at: datetime) -> Version:
        document, stored = await self._read(integration_id)
        for one in stored:
            if one["number"] == number and _version(integration_id, one).is_live(at):
                one |= {"revoked_at": rfc3339(at), "revoked_by": by}
                await self._write(integration_id, document, stored, at)
                return _version(integration_id, one)
        raise NoSuchVersion(integration_id, number)

    async def history(self, integration_id: str) -> tuple[Version, ...]:
        _, stored = await self._read(integration_id)
        return tuple(_version(integration_id, one) for one in stored)

    async def all_live(self, at: datetime) -> tuple[Version, ...]:
        found: list[Version] = []
        for integration_id in await self._integrations():
            found += [one for one in reversed(await self.history(integration_id)) if one.is_live(at)]
        return tuple(found)

    async def change(self) -> int:
        return (await self._api.read(self._changes)).version

    async def changed_since(self, change: int) -> frozenset[str]:
        document = await self._api.read(self._changes)
        return frozenset(name for name, changed in document.value.items() if changed > change)

    async def key_ids(self) -> frozenset[str]:
        return frozenset()

    async def left(self) -> int:
        key = f"vault:v{await self._api.newest_key()}:"
        count = 0
        for integration_id in await self._integrations():
            _, stored = await self._read(integration_id)
            count += len(_older(stored, key))
        return count

    async def rewrap(self, limit: int) -> int:
        key = f"vault:v{await self._api.newest_key()}:"
        for integration_id in await self._integrations():
            document, stored = await self._read(integration_id)
            old = _older(stored, key)[:limit]
            if old:
                places = [place_of(integration_id, name, one["number"]) for one, name in old]
                sealed = [one["fields"][name] for one, name in old]
                moved = await self._api.rewrap(list(zip(sealed, places, strict=True)))
                for (one, name), value in zip(old, moved, strict=True):
                    one["fields"][name] = value
                await self._api.write(self._path(integration_id), {"versions": stored}, after=document.version)
                return len(old)
        return 0

    @property
    def _changes(self) -> str:
        return f"{self._prefix}/changes"

    def _path(self, integration_id: str) -> str:
        return f"{self._prefix}/credentials/{integration_id}"

    async def _integrations(self) -> tuple[str, ...]:
        return await self._api.names(f"{self._prefix}/credentials")

    async def _read(self, integration_id: str) -> tuple[Document, list[_Stored]]:
        document = await self._api.read(self._path(integration_id))
        return document, list(document.value.get("versions", ()))

    async def _open(self, version: Version, sealed: Mapping[str, str]) -> dict[str, Secret]:
        places = [(sealed[name], place_of(version.integration_id, name, version.number)) for name in version.fields]
        try:
            return dict(zip(version.fields, await self._api.decrypt(places), strict=True))
        except NotOpened as bad:
            raise SealBroken(f"{version.integration_id}, version {version.number}") from bad

    async def _write(self, integration_id: str, document: Document, stored: list[_Stored], at: datetime) -> None:
        for one in stored:
            if not _version(integration_id, one).is_live(at):
                one["fields"] = dict.fromkeys(one["fields"])  # names stay, values are erased
        try:
            await self._api.write(self._path(integration_id), {"versions": stored}, after=document.version)
        except CasFailed as faster:
            raise CredentialConflict(integration_id, newest(await self.history(integration_id))) from faster
        await self._count(integration_id)

    async def _count(self, integration_id: str) -> None:
        """Note a change. A process that dies just before this leaves it to the end of the workers' caches."""
        for left in reversed(range(_TRIES)):
            document = await self._api.read(self._changes)
            value = {**document.value, integration_id: document.version + 1}
            try:
                await self._api.write(self._changes, value, after=document.version)
            except CasFailed:
                if not left:
                    raise
            else:
                return


def _older(stored: list[_Stored], key: str) -> list[tuple[_Stored, str]]:
    """The values, by version and name, that are not under that version of the transit key."""
    return [
        (one, name)
        for one in stored
        for name, sealed in one["fields"].items()
        if sealed is not None and not sealed.startswith(key)
    ]


def _stored(version: Version, sealed: Mapping[str, str]) -> _Stored:
    return {
        "number": version.number,
        "fields": dict(sealed),
        "created_at": rfc3339(version.created_at),
        "created_by": version.created_by,
        "live_from": rfc3339(version.live_from),
    }


def _version(integration_id: str, one: _Stored) -> Version:
    return Version(
        integration_id,
        one["number"],
        tuple(sorted(one["fields"])),
        datetime.fromisoformat(one["created_at"]),
        one["created_by"],
        datetime.fromisoformat(one["live_from"]),
        _moment(one.get("live_until")),
        _moment(one.get("revoked_at")),
        one.get("revoked_by"),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
