"""The log of erasures: what was erased stays so, also in a database that was restored from an older backup."""

import logging
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

import asyncpg

from agents.vault.subjects import erase_subjects
from schemas.envelope import Envelope
from schemas.errors import UnreadableRecord
from schemas.privacy import PRIVACY_EVENTS, SubjectErased
from streams.codec import Outgoing, decode, encode
from streams.kafka import KafkaAccess
from streams.reader import replay
from streams.topics import Topics

log = logging.getLogger(__name__)

SOURCE: Final = "/kolaj/hub/operators"
_MODELS: Final = {model.type: model for model in PRIVACY_EVENTS}


def erasure(topics: Topics, subject: UUID, *, by: str, why: str, at: datetime) -> Outgoing:
    """The record of an erasure; told again it has the same id. It goes into the log before the key is destroyed."""
    body = SubjectErased(subject=subject, erased_by=by, why=why, erased_at=at)
    envelope = Envelope(id=uuid5(subject, "erased"), type=body.type, source=SOURCE, subject=str(subject), time=at)
    return encode(topics.privacy_events.name, str(subject), envelope, body)


async def erase_again(access: KafkaAccess, topics: Topics, pool: asyncpg.Pool) -> int:
    """Destroy every key whose erasure is in the log and that is there all the same.

    To be done before anything is sealed or shown: the database may have been restored, or an operator's command been
    cut off between the record and the key.

    Returns:
        How many keys that were.

    Raises:
        StoreError: Kafka or PostgreSQL failed.
        UnreadableRecord: a newer hub wrote a kind of erasure that this one does not know; nothing may be served then.
    """
    subjects = []
    async for record in replay(access, topics.privacy_events.name):
        try:
            body = decode(_MODELS, record.key, record.value, record.readable_headers).body
        except UnreadableRecord as bad:
            if bad.reason == "unknown_type":
                raise
            # No hub wrote that, so that it erased nothing; it must not keep every worker from starting.
            where = {"partition": record.partition, "offset": record.offset, "why": bad.reason, "field": bad.field}
            log.error("a record in the log of erasures cannot be read", extra=where)  # noqa: TRY400 - it says it all
            continue
        subjects.append(body.subject)
    if not subjects:
        return 0
    again = await erase_subjects(pool, subjects)
    if again:
        log.warning("erased data subjects again, whose keys had come back", extra={"subjects": len(again)})
    return len(again)
