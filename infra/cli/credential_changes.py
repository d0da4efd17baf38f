"""Changes of credentials that people make, each told to the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agents.vault.rotation import Rotated, rotate
from agents.vault.secret import Secret
from infra.cli.by_hand import record
from infra.cli.credential_desk import desk_of
from infra.cli.failing import Failed
from infra.settings import Settings
from infra.stores import prepare_stores
from schemas.credential_events import CredentialEvent, CredentialRevoked, CredentialRotated, CredentialStored
from schemas.errors import StoreError


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some of an account's secrets.

    Attributes:
        wanted: all that the provider needs; empty when nobody knows.
        overlap_s: how long the values of before live on, in seconds.
    """

    integration_id: str
    values: Mapping[str, Secret] = field(repr=False)
    by: str
    wanted: Sequence[str]
    overlap_s: float


async def apply(settings: Settings, change: Change) -> Rotated:
    """Store a change and tell the audit log. The values are wiped.

    Raises:
        Failed: a secret that the provider needs would be missing.
        CredentialConflict: somebody else was faster.
        StoreError: a store failed, or the audit log could not be told; the message says which.
    """
    await prepare_stores(settings)
    async with desk_of(settings) as desk:
        at = datetime.now(UTC)
        live = [one for one in await desk.store.history(change.integration_id) if one.is_live(at)]
        missing = set(change.wanted) - change.values.keys() - set(live[-1].fields if live else ())
        if missing:
            raise Failed(f"{change.integration_id} needs {', '.join(sorted(missing))} too; give all of them")
        rotated = await rotate(
            desk.store, change.integration_id, change.values, by=change.by, at=at, overlap_s=change.overlap_s
        )
        for secret in change.values.values():
            secret.wipe()
        event = _stored(rotated, sorted(change.values), change.overlap_s)
        await _tell(settings, event, change.integration_id, rotated.version.number)
    return rotated


def _stored(rotated: Rotated, changed: Sequence[str], overlap_s: float) -> CredentialEvent:
    made = rotated.version
    if not rotated.retiring:
        return CredentialStored(
            integration_id=made.integration_id,
            version=made.number,
            fields=made.fields,
            stored_by=made.created_by,
            stored_at=made.created_at,
        )
    return CredentialRotated(
        integration_id=made.integration_id,
        version=made.number,
        fields=made.fields,
        changed=tuple(changed),
        retiring=tuple(one.number for one in rotated.retiring),
        overlap_ends_at=made.created_at + timedelta(seconds=overlap_s),
        rotated_by=made.created_by,
        rotated_at=made.created_at,
    )


async def revoke(settings: Settings, integration_id: str, number: int, by: str) -> CredentialRevoked:
    """End a version and tell the audit log.

    Raises:
        NoSuchVersion: it is not live.
        StoreError: as `apply`.
    """
    async with desk_of(settings) as desk:
        at = datetime.now(UTC)
        await desk.store.revoke(integration_id, number, by=by, at=at)
        live = [one.number for one in await desk.store.history(integration_id) if one.is_live(at)]
        event = CredentialRevoked(
            integration_id=integration_id,
            version=number,
            serving=max(live, default=None),
            revoked_by=by,
            revoked_at=at,
        )
        await _tell(settings, event, integration_id, number)
    return event


async def _tell(settings: Settings, event: CredentialEvent, integration_id: str, number: int) -> None:
    try:
        await record(settings, event, integration_id, f"{event.type}/{integration_id}/{number}")
    except StoreError as untold:
        raise StoreError(
            f"version {number} of {integration_id} was changed, but the audit log was not told: {untold}; "
            f"`kolaj credentials history {integration_id}` has it"
        ) from untold
