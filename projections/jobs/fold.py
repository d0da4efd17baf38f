"""Commands, intents, results and rejections, to the parts of rows of `integration_queue_jobs`.

The four come from three topics, between which there is no order. So each part has columns of its own, parts of one kind
merge by a rule that does not depend on order between partitions, and the row's status follows from all of them.
"""

from datetime import datetime
from typing import NamedTuple, TypeAlias, assert_never
from uuid import UUID

from projections.entry import Body, Entry
from schemas.access import AccessRefused, AccessRequested, AccessUnproved, KeyCreated, KeyRevoked, KeyRotated
from schemas.credential_events import CredentialRevoked, CredentialRotated, CredentialStored, MasterKeyRotated
from schemas.endpoints import EndpointDisabled
from schemas.envelope import Envelope
from schemas.integrations import (
    BreakerChanged,
    CommandWithdrawn,
    HealthChecked,
    IntegrationCommandRejected,
    IntegrationStarted,
    IntegrationStopped,
    LagAlarm,
    RateLimitReported,
    RegistryResult,
)
from schemas.intents import SendIntended
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CommandRejected,
    CommandUnknown,
    DisputeFact,
    LateOutcome,
    ResultDivergence,
)
from schemas.payments.order import PaymentOrder
from schemas.payments.resources import (
    ResourceLateOutcome,
    ResourceOrder,
    ResourcePending,
    ResourceRefused,
    ResourceResult,
    ResourceResultDivergence,
    ResourceUnknown,
)
from schemas.payments.results import CommandResult
from schemas.payments.vocabulary import Ending
from schemas.privacy import SubjectErased
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WebhookHandled, WebhookReceived, WebhooksRefused


class Published(NamedTuple):
    """A command lies in its topic. Of several with one id, the first by place counts."""

    job_id: UUID
    command_key: str
    command_type: str
    command_integration_id: str | None
    command_topic: str
    command_partition: int
    command_offset: int
    published_at: datetime
    expires_at: datetime | None


class Sent(NamedTuple):
    """An attempt may have been sent."""

    job_id: UUID
    sent_key: str
    sent_type: str
    sent_integration_id: str
    attempts: int
    started_at: datetime


class Ended(NamedTuple):
    """The command has its result. The first stands."""

    job_id: UUID
    result_key: str
    result_type: str
    result_integration_id: str | None
    result_event_id: UUID
    verdict: str
    result_attempts: int
    reason: str | None
    error_message: str | None
    completed_at: datetime


class Rejected(NamedTuple):
    """The record at this place was not taken as a command. Of several with one id, the first by place counts."""

    job_id: UUID
    rejected_topic: str
    rejected_partition: int
    rejected_offset: int
    rejected_reason: str
    rejected_message: str
    rejected_at: datetime


Part: TypeAlias = Published | Sent | Ended | Rejected


def fold(entry: Entry) -> tuple[Part, ...]:
    if entry.envelope is None or entry.body is None:
        return ()
    return _parts(entry, entry.envelope, entry.body)


def _parts(entry: Entry, envelope: Envelope, body: Body) -> tuple[Part, ...]:
    match body:
        case PaymentOrder() | ResourceOrder():
            place = (*entry.place, entry.offset)
            about = (entry.key, envelope.type, body.integration_id)
            return (Published(envelope.id, *about, *place, entry.occurred_at, body.expires_at),)
        case SendIntended():
            about = (entry.key, body.command_type, body.integration_id)
            return (Sent(body.command_id, *about, body.attempt, body.intended_at),)
        case CommandResult() | ResourceResult():
            return (_ended(entry.key, envelope, body),)
        case CommandRejected():
            message = f"{body.field}: {body.detail}" if body.field else body.detail
            place = (body.topic, body.partition, body.offset)
            return (Rejected(body.command_id, *place, body.reason, message, body.observed_at),)
        case (
            LateOutcome()
            | DisputeFact()
            | ResultDivergence()
            | ResourceLateOutcome()
            | ResourceResultDivergence()
            | ProviderCalled()
            | HealthChecked()
            | BreakerChanged()
            | RateLimitReported()
            | LagAlarm()
            | SubjectErased()
        ):
            return ()
        case IntegrationStopped() | IntegrationStarted() | CommandWithdrawn():
            return ()
        case AccessRequested() | AccessRefused() | AccessUnproved() | KeyCreated() | KeyRotated() | KeyRevoked():
            return ()
        case EndpointDisabled():
            return ()
        case CredentialStored() | CredentialRotated() | CredentialRevoked() | MasterKeyRotated():
            return ()
        case RegistryResult() | IntegrationCommandRejected():
            return ()  # orders about integrations are no jobs at a provider
        case WebhookReceived() | WebhooksRefused() | WebhookHandled():
            return ()  # what they lead to is a command of its own
        case _:
            assert_never(body)


def _ended(key: str, envelope: Envelope, result: Ending) -> Ended:
    reason, detail = _why(result)
    return Ended(
        result.command_id,
        key,
        result.command_type,
        result.performed.integration_id if result.performed else None,
        envelope.id,
        result.verdict,
        result.attempts,
        reason,
        detail,
        result.concluded_at,
    )


def _why(result: Ending) -> tuple[str | None, str | None]:
    match result:
        case CommandRefused() | CommandUnknown() | ResourceRefused() | ResourceUnknown():
            return result.reason.value, result.detail
        case CommandPending() | ResourcePending():
            return result.reason.value, None
        case _:
            return None, None


def merge_published(one: Published, other: Published) -> Published:
    return min(one, other, key=lambda part: (part.command_topic, part.command_partition, part.command_offset))


def merge_sent(one: Sent, other: Sent) -> Sent:
    """The latest attempt says where it went, the earliest when the work began."""
    last = other if other.attempts >= one.attempts else one
    return last._replace(started_at=min(one.started_at, other.started_at))


def merge_ended(one: Ended, _: Ended) -> Ended:
    return one


def merge_rejected(one: Rejected, other: Rejected) -> Rejected:
    return min(one, other, key=lambda part: (part.rejected_topic, part.rejected_partition, part.rejected_offset))
