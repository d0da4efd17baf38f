"""Facts about an account's credentials and about the master keys they are under. Never a value, and nothing of one."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from schemas.base import Fact, NoNul, Text
from schemas.envelope import UtcTime

VersionNumber = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Fields = tuple[Annotated[str, NoNul], ...]


class CredentialStored(Fact):
    """An account's credentials were set. An earlier version, where there was one, ended at once."""

    type: ClassVar[str] = "integrations.credential_stored.v1"

    integration_id: str
    version: VersionNumber
    fields: Fields
    stored_by: Text
    stored_at: UtcTime


class CredentialRotated(Fact):
    """An account's credentials were followed by new ones; the earlier ones live on until the overlap ends."""

    type: ClassVar[str] = "integrations.credential_rotated.v1"

    integration_id: str
    version: VersionNumber
    fields: Fields
    changed: Fields
    """The fields that were given; the others were carried over."""
    retiring: tuple[VersionNumber, ...]
    overlap_ends_at: UtcTime
    rotated_by: Text
    rotated_at: UtcTime


class CredentialRevoked(Fact):
    """One version of an account's credentials was ended at once, and its values erased."""

    type: ClassVar[str] = "integrations.credential_revoked.v1"

    integration_id: str
    version: VersionNumber
    serving: VersionNumber | None = None
    """The version that calls are made with now; absent when none is left."""
    revoked_by: Text
    revoked_at: UtcTime


class MasterKeyRotated(Fact):
    """One step of bringing everything sealed under the newest master key."""

    type: ClassVar[str] = "integrations.master_key_rotated.v1"

    key_id: str
    """The master key that everything is brought under; an id says nothing of its key."""
    what: str
    """What was rewrapped in this step, such as `credentials`."""
    rewrapped: Count
    """Values, in this step."""
    left: Count
    """Values that were under older keys after this step."""
    retired: tuple[str, ...] = ()
    """Master keys that nothing is under any more, so that they need not be given; told with the last step."""
    rotated_by: Text
    rotated_at: UtcTime


CredentialEvent = CredentialStored | CredentialRotated | CredentialRevoked | MasterKeyRotated
CREDENTIAL_EVENTS: Final[tuple[type[CredentialEvent], ...]] = (
    CredentialStored,
    CredentialRotated,
    CredentialRevoked,
    MasterKeyRotated,
)
