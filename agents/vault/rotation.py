"""Rotating: an account's credentials without a gap, and the master key while everything runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.vault.keyring import KeyRing
from agents.vault.master_keys import MasterKeys
from agents.vault.secret import Secret
from agents.vault.store import CredentialStore, Rewrappable, Version, newest

BATCH = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of an account's credentials.

    Attributes:
        carried: fields whose values come from the version before.
        retiring: earlier versions that live on for the overlap, the newest first.
    """

    version: Version
    carried: tuple[str, ...]
    retiring: tuple[Version, ...]


async def rotate(
    store: CredentialStore,
    integration_id: str,
    values: Mapping[str, Secret],
    *,
    by: str,
    at: datetime,
    overlap_s: float = 0,
) -> Rotated:
    """Store the account's next version: the given values, and those of the present version for all other fields.

    Raises:
        CredentialConflict: somebody else was faster; nothing was stored.
        StoreError: the store failed.
    """
    follows = newest(await store.history(integration_id))
    opened = await store.live(integration_id, at)
    try:
        before = opened[0].values if opened else {}
        carried = tuple(sorted(before.keys() - values.keys()))
        whole = {**before, **values}
        made = await store.put(integration_id, whole, by=by, at=at, follows=follows, overlap_s=overlap_s)
    finally:
        for one in opened:
            one.wipe()
    # As the store has them: an overlap of theirs may end before this one.
    after = {one.number: one for one in await store.history(integration_id)}
    earlier = [after[one.version.number] for one in opened]
    return Rotated(made, carried, tuple(one for one in earlier if one.is_live(at)))


@dataclass(frozen=True, slots=True)
class Step:
    """One batch of a rotation of the master key, or its end (`what` is empty, and nothing is left).

    Attributes:
        retired: master keys that nothing is under any more.
    """

    what: str
    rewrapped: int
    left: int
    retired: tuple[str, ...] = ()


async def rotate_master(
    everything: Sequence[Rewrappable], ring: KeyRing, keys: MasterKeys, *, batch: int = BATCH
) -> AsyncIterator[Step]:
    """Bring everything under the ring's primary key, batch by batch, while others read and write.

    Where it stands is in the rows themselves: run again after it was killed, it goes on with what is left. Each step is
    told once it is committed.

    Raises:
        UnknownMasterKey: something is under a key that the ring lacks.
        StoreError: a store failed, or a value does not open.
    """
    await keys.begin(ring)
    for rows in everything:
        while count := await rows.rewrap(batch):
            yield Step(rows.name, count, await rows.left())
    left = sum([await rows.left() for rows in everything])
    retired = () if left else await keys.retire(key_id for key_id in ring.ids if key_id != ring.primary_id)
    yield Step("", 0, left, retired)
