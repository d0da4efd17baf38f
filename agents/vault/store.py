"""What a store of credentials promises, whichever it is: PostgreSQL, memory, or HashiCorp Vault."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from agents.vault.secret import Secret
from schemas.errors import HubError


class CredentialConflict(HubError):
    """Somebody else changed the account's credentials meanwhile; nothing was stored."""

    def __init__(self, integration_id: str, newest: int) -> None:
        super().__init__(
            f"the credentials of {integration_id} were changed by somebody else meanwhile (version {newest} is the "
            "newest now); look with `kolaj credentials history`, then run it again"
        )


class NoSuchVersion(HubError):
    """There is no such version, or its time is over."""

    def __init__(self, integration_id: str, number: int) -> None:
        super().__init__(
            f"version {number} of {integration_id} is not live; `kolaj credentials history {integration_id}` shows them"
        )


@dataclass(frozen=True, slots=True)
class Version:
    """One set of an account's credentials, without their values. Keys that belong together change together.

    Attributes:
        number: counts from 1 for each integration.
        live_until: `None` for the newest; for one that was followed, the end of the overlap.
    """

    integration_id: str
    number: int
    fields: tuple[str, ...]
    created_at: datetime
    created_by: str
    live_from: datetime
    live_until: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether it may be used at that moment."""
        ended = self.live_until is not None and self.live_until <= at
        return self.live_from <= at and not ended and self.revoked_at is None


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """A version with its values. Whoever asked for it wipes them."""

    version: Version
    values: Mapping[str, Secret] = field(repr=False)

    def wipe(self) -> None:
        for secret in self.values.values():
            secret.wipe()


class Rewrappable(Protocol):
    """Something sealed under master keys that can be brought under the newest one while it is being used."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    async def left(self) -> int:
        """How many values are under an older key."""
        ...

    async def rewrap(self, limit: int) -> int:
        """Bring up to `limit` values under the newest key, all or none; how many there were. 0: none is left.

        Raises:
            UnknownMasterKey: a value is under a key that this process was not given.
            StoreError: the store failed, or a value does not open.
        """
        ...


class CredentialStore(Rewrappable, Protocol):
    """Versions of credentials. Every method raises `StoreError` when the store fails.

    Moments are the caller's, so that a test can set the clock.
    """

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
        """Store the next version. What was live until now ends after `overlap_s`, unless it ends earlier anyway.

        Args:
            follows: the number of the newest version that the caller knows of; 0 for none.

        Raises:
            CredentialConflict: it is not the newest.
        """
        ...

    async def live(self, integration_id: str, at: datetime) -> tuple[OpenVersion, ...]:
        """The versions that may be used, the newest first.

        Raises:
            UnknownMasterKey: one is sealed under a key that this process was not given.
            SealBroken: one was changed.
        """
        ...

    async def revoke(self, integration_id: str, number: int, *, by: str, at: datetime) -> Version:
        """End a live version at once; its values are erased.

        Raises:
            NoSuchVersion: it is not live.
        """
        ...

    async def history(self, integration_id: str) -> tuple[Version, ...]:
        """All versions there ever were, the oldest first."""
        ...

    async def all_live(self, at: datetime) -> tuple[Version, ...]:
        """The live versions of all integrations, by integration, the newest first."""
        ...

    async def change(self) -> int:
        """A number that rises with every `put` and `revoke`. Cheap: it is polled."""
        ...

    async def changed_since(self, change: int) -> frozenset[str]:
        """The integrations that were changed after that number."""
        ...

    async def key_ids(self) -> frozenset[str]:
        """The master keys that its values are under; none where the store keeps keys of its own."""
        ...


def place_of(integration_id: str, name: str, number: int) -> bytes:
    """The associated data of one value: it opens as this field of this version of this integration alone."""
    return json.dumps(["credential", integration_id, name, number], separators=(",", ":")).encode()


def ends_at(version: Version, at: datetime, overlap_s: float) -> datetime:
    """When a live version ends that is followed at that moment."""
    end = at + timedelta(seconds=overlap_s)
    return end if version.live_until is None else min(end, version.live_until)


def newest(versions: Sequence[Version]) -> int:
    """The highest number; 0 when there is none."""
    return max((version.number for version in versions), default=0)
