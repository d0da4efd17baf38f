"""Credentials in memory, sealed as elsewhere: for tests, and for a hub that lives as long as its process."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from agents.vault.envelope import key_id_of, open_sealed, rewrap, seal
from agents.vault.keyring import KeyRing
from agents.vault.secret import Secret
from agents.vault.store import CredentialConflict, NoSuchVersion, OpenVersion, Version, ends_at, newest, place_of


class MemoryCredentials:
    """A `CredentialStore` whose versions end with the process."""

    name: Final = "credentials"

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._versions: dict[str, list[Version]] = {}
        self._sealed: dict[tuple[str, str, int], bytes] = {}
        self._changes: dict[str, int] = {}
        self._change = 0

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
        versions = self._versions.setdefault(integration_id, [])
        if newest(versions) != follows:
            raise CredentialConflict(integration_id, newest(versions))
        made = Version(integration_id, follows + 1, tuple(sorted(values)), at, by, live_from=at)
        for name, secret in values.items():
            place = place_of(integration_id, name, made.number)
            self._sealed[integration_id, name, made.number] = seal(self.ring, secret.reveal_bytes(), place)
        versions[:] = [
            replace(one, live_until=ends_at(one, at, overlap_s)) if one.is_live(at) else one for one in versions
        ]
        versions.append(made)
        self._changed(integration_id, at)
        return made

    async def live(self, integration_id: str, at: datetime) -> tuple[OpenVersion, ...]:
        found = [one for one in reversed(self._versions.get(integration_id, ())) if one.is_live(at)]
        return tuple(OpenVersion(one, {name: self._open(one, name) for name in one.fields}) for one in found)

    async def revoke(self, integration_id: str, number: int, *, by: str, at: datetime) -> Version:
        versions = self._versions.get(integration_id, [])
        for place, one in enumerate(versions):
            if one.number == number and one.is_live(at):
                versions[place] = replace(one, revoked_at=at, revoked_by=by)
                self._changed(integration_id, at)
                return versions[place]
        raise NoSuchVersion(integration_id, number)

    async def history(self, integration_id: str) -> tuple[Version, ...]:
        return tuple(self._versions.get(integration_id, ()))

    async def all_live(self, at: datetime) -> tuple[Version, ...]:
        return tuple(
            one for name in sorted(self._versions) for one in reversed(self._versions[name]) if one.is_live(at)
        )

    async def change(self) -> int:
        return self._change

    async def changed_since(self, change: int) -> frozenset[str]:
        return frozenset(name for name, changed in self._changes.items() if changed > change)

    async def key_ids(self) -> frozenset[str]:
        return frozenset(key_id_of(sealed) for sealed in self._sealed.values())

    async def left(self) -> int:
        return sum(key_id_of(sealed) != self.ring.primary_id for sealed in self._sealed.values())

    async def rewrap(self, limit: int) -> int:
        old = [place for place, sealed in self._sealed.items() if key_id_of(sealed) != self.ring.primary_id][:limit]
        self._sealed |= {place: rewrap(self.ring, self._sealed[place], place_of(*place)) for place in old}
        return len(old)

    def _open(self, version: Version, name: str) -> Secret:
        place = version.integration_id, name, version.number
        return Secret(open_sealed(self.ring, self._sealed[place], place_of(*place)))

    def _changed(self, integration_id: str, at: datetime) -> None:
        self._change += 1
        self._changes[integration_id] = self._change
        over = [one for one in self._versions[integration_id] if not one.is_live(at)]
        for one in over:
            for name in one.fields:
                self._sealed.pop((integration_id, name, one.number), None)
