"""What was done about people's data. Kept for ever, with nobody's name in it."""

from typing import ClassVar, Final
from uuid import UUID

from schemas.base import Fact, Text
from schemas.envelope import UtcTime


class SubjectErased(Fact):
    """A data subject's key is to be destroyed, and was right after this: what is sealed under it nobody can read.

    After a restore of an older database it is destroyed again, from here.
    """

    type: ClassVar[str] = "privacy.subject_erased.v1"

    subject: UUID
    erased_by: Text
    why: Text
    erased_at: UtcTime


PrivacyEvent = SubjectErased
PRIVACY_EVENTS: Final[tuple[type[PrivacyEvent], ...]] = (SubjectErased,)
