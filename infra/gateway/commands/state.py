"""How a command stands, as callers are told."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from infra.gateway.commands.rows import Job, Taken
from infra.gateway.event_json import CloudEvent, as_event
from schemas.envelope import rfc3339
from schemas.ids import rejection_id, result_id
from streams.records import RawRecord


class State(StrEnum):
    """Words may join: take one that you do not know for `performing`."""

    ACCEPTED = "accepted"
    """It is stored and waits for its turn."""
    PERFORMING = "performing"
    """Something may have been sent to a provider."""
    CONCLUDED = "concluded"
    """It has its result, which says how it ended; `pending` and `unknown` are results too."""
    REJECTED = "rejected"
    """It could not be taken as a command, and will never be performed."""


class CommandAccepted(BaseModel):
    """A command that will be performed: once, however often it is sent under its key."""

    command_id: UUID
    state: State
    url: str = Field(description="Where its state and result are, as a path of this server.")


class CommandTold(BaseModel):
    """A command and how it stands."""

    command_id: UUID
    type: str | None = Field(description="`null` when its record could not even be read so far.")
    key: str | None
    integration_id: str | None = Field(description="The one that it was meant for, or went to.")
    state: State
    received_at: str = Field(description="RFC 3339, UTC")
    result: CloudEvent | None = Field(
        description="The event that ended it, as it lies on Kafka: with `concluded` its result, with `rejected` "
        "`payments.command_rejected.v1`, which says why."
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a command: that it came over HTTP, what the projections have of it, or both."""

    taken: Taken | None
    job: Job | None

    @property
    def integration_id(self) -> str | None:
        job = self.job.integration_id if self.job else None
        return job or (self.taken.integration_id if self.taken else None)

    def endings(self, command_id: UUID, topic: str) -> list[UUID]:
        """The ids of the events that may end it, the result's first; `topic` is the commands'."""
        ends = [result_id(command_id)]
        taken, job = self.taken, self.job
        if taken is not None and taken.partition is not None and taken.offset is not None:
            ends.append(rejection_id(topic, taken.partition, taken.offset))
        if job is not None and job.status == "rejected" and job.rejected is not None:
            ends.append(rejection_id(*job.rejected))
        return ends

    def told(self, command_id: UUID, ended_by: RawRecord | None) -> str:
        """The body of an answer, a `CommandTold`."""
        taken, job = self.taken, self.job
        about: dict[str, Any] = {
            "command_id": str(command_id),
            "type": taken.command_type if taken else job and job.command_type,
            "key": taken.key if taken else job and job.key,
            "integration_id": self.integration_id,
            "state": self._state(command_id, ended_by),
            "received_at": rfc3339(self._since()),
        }
        result = None if ended_by is None else as_event(ended_by)
        return f'{json.dumps(about, separators=(",", ":"))[:-1]},"result":{result or "null"}}}'

    def _state(self, command_id: UUID, ended_by: RawRecord | None) -> State:
        if ended_by is not None:
            concluded = ended_by.text("ce_id") == str(result_id(command_id))
            return State.CONCLUDED if concluded else State.REJECTED
        # A result that the projections have is told once it can be read; until then the command is under way.
        under_way = self.job is not None and self.job.status not in {"pending", "rejected"}
        return State.PERFORMING if under_way else State.ACCEPTED

    def _since(self) -> datetime:
        if self.taken is not None:
            return self.taken.received_at
        assert self.job is not None  # noqa: S101 - one of the two is there, or the command is not known
        return self.job.created_at
