"""Records to rows of `integration_audit_logs`."""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never
from uuid import UUID

from projections.audit.chain import link, record_digest
from projections.columns import as_jsonb
from projections.entry import Body, Entry
from schemas.access import (
    AccessEvent,
    AccessRefused,
    AccessRequested,
    AccessUnproved,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
)
from schemas.credential_events import CredentialRevoked, CredentialRotated, CredentialStored, MasterKeyRotated
from schemas.endpoints import EndpointDisabled
from schemas.envelope import rfc3339
from schemas.integrations import (
    BreakerChanged,
    CommandWithdrawn,
    HealthChecked,
    IntegrationChange,
    IntegrationCommandRefused,
    IntegrationCommandRejected,
    IntegrationStarted,
    IntegrationStopped,
    LagAlarm,
    RateLimitReported,
    RegistryResult,
    RoutingRulePut,
    RoutingRuleRemoved,
    UserMapped,
    UserUnmapped,
)
from schemas.intents import SendIntended
from schemas.money import INT64_MAX
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CommandRejected,
    CommandUnknown,
    DisputeFact,
    Found,
    LateOutcome,
    OutcomeResolved,
    ResolutionProposal,
    ResultDivergence,
)
from schemas.payments.order import PaymentOrder
from schemas.payments.resources import (
    ResourceLateOutcome,
    ResourceOrder,
    ResourceRefused,
    ResourceResult,
    ResourceResultDivergence,
    ResourceUnknown,
)
from schemas.payments.results import CommandResult
from schemas.privacy import SubjectErased
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WebhookHandled, WebhookReceived, WebhooksRefused

_INDEXED: Final = 200
"""Characters of an integration's name that fit into an index."""


class AuditRow(NamedTuple):
    """In the order of the table's columns after `id`."""

    topic: str
    partition: int
    offset: int
    action: str
    event_source: str | None
    event_id: UUID | None
    integration_id: str | None
    command_id: UUID | None
    status_code: int | None
    duration_ms: int | None
    error_message: str | None
    request_data: str | None
    response_data: str | None
    record_digest: bytes
    previous_hash: bytes
    hash: bytes
    occurred_at: datetime


class _Told(NamedTuple):
    integration_id: str | None = None
    command_id: UUID | None = None
    status_code: int | None = None
    duration_ms: int | None = None
    error_message: str | None = None
    request_data: str | None = None
    response_data: str | None = None


def fold(entry: Entry, previous: bytes) -> AuditRow:
    """The row of one record, whose predecessor in its partition has the hash `previous`. Every record has one.

    Nothing in it can be refused by the table: a number or name that has no room there is cut or left out.
    """
    digest = record_digest(entry.raw)
    envelope = entry.envelope
    told = _told(entry.body) if entry.body is not None else _Told(error_message=_why(entry))
    return AuditRow(
        topic=entry.raw.topic,
        partition=entry.raw.partition,
        offset=entry.offset,
        action=_action(entry),
        event_source=envelope.source if envelope is not None else None,
        event_id=envelope.id if envelope is not None else None,
        integration_id=None if told.integration_id is None else told.integration_id[:_INDEXED],
        command_id=told.command_id,
        status_code=_int64(told.status_code),
        duration_ms=_int64(told.duration_ms),
        error_message=told.error_message,
        request_data=told.request_data,
        response_data=told.response_data,
        record_digest=digest,
        previous_hash=previous,
        hash=link(previous, digest),
        occurred_at=entry.occurred_at,
    )


def _int64(number: int | None) -> int | None:
    return number if number is None or abs(number) <= INT64_MAX else None


def _action(entry: Entry) -> str:
    if entry.dead is not None:
        return "dead_letter"
    return entry.envelope.type if entry.envelope is not None else "unreadable"


def _why(entry: Entry) -> str | None:
    if entry.dead is not None:
        return ": ".join(word for word in (entry.dead.reason, entry.dead.field, entry.dead.detail) if word)
    return None if entry.error is None else str(entry.error)


def _told(body: Body) -> _Told:
    # What there is most of comes first: to ask a model for its class costs more than to ask another object.
    match body:
        case ProviderCalled():
            return _Told(
                body.integration_id,
                body.command_id,
                body.status_code,
                body.duration_us // 1000,
                body.error,
                as_jsonb(body.request),
                as_jsonb(body.response),
            )
        case SendIntended():
            return _Told(body.integration_id, body.command_id)
        case OutcomeResolved():
            said = _by(body.by, approved_by=body.approved_by, said=body.outcome, evidence=body.evidence)
            return _result(body)._replace(request_data=said)
        case CommandPending(proposal=ResolutionProposal() as proposal):
            words = _by(proposal.by, proposed=proposal.verdict, evidence=proposal.evidence)
            return _result(body)._replace(request_data=words)
        case CommandRefused() | CommandUnknown() | ResourceRefused() | ResourceUnknown():
            return _result(body)._replace(error_message=f"{body.reason}: {body.detail}")
        case Found(contradicts=True):
            return _result(body)._replace(error_message=body.detail)
        case CommandResult() | LateOutcome() | ResourceResult() | ResourceLateOutcome():
            return _result(body)
        case DisputeFact():
            return _Told(body.integration_id, body.command_id)
        case ResultDivergence() | ResourceResultDivergence():
            return _Told(command_id=body.command_id, error_message="two different results were made for one command")
        case CommandRejected():
            field = f"{body.field}: " if body.field else ""
            return _Told(command_id=body.command_id, error_message=f"{body.reason}: {field}{body.detail}")
        case HealthChecked():
            return _Told(body.integration_id, duration_ms=body.response_time_ms, error_message=body.error)
        case BreakerChanged() | RateLimitReported():
            return _Told(body.integration_id)
        case LagAlarm():
            place = f"{body.topic}/{body.partition}"
            return _Told(error_message=f"{place}: the oldest of {body.records} records waits for {body.age_ms} ms")
        case IntegrationStopped():
            return _Told(body.integration_id, request_data=_by(body.stopped_by, why=body.why))
        case IntegrationStarted():
            return _Told(body.integration_id, request_data=_by(body.started_by, stopped_by=body.stopped_by))
        case CommandWithdrawn():
            return _Told(body.integration_id, body.command_id, request_data=_by(body.withdrawn_by, why=body.why))
        case CredentialStored():
            return _Told(body.integration_id, request_data=_by(body.stored_by, version=str(body.version)))
        case CredentialRotated():
            words = _by(
                body.rotated_by,
                version=str(body.version),
                changed=", ".join(body.changed),
                retiring=", ".join(map(str, body.retiring)),
                overlap_ends_at=rfc3339(body.overlap_ends_at),
            )
            return _Told(body.integration_id, request_data=words)
        case CredentialRevoked():
            return _Told(body.integration_id, request_data=_by(body.revoked_by, version=str(body.version)))
        case MasterKeyRotated():
            words = _by(
                body.rotated_by,
                key_id=body.key_id,
                what=body.what,
                rewrapped=str(body.rewrapped),
                left=str(body.left),
                retired=", ".join(body.retired) or None,
            )
            return _Told(request_data=words)
        case SubjectErased():
            return _Told(request_data=_by(body.erased_by, why=body.why, subject=str(body.subject)))
        case AccessRequested() | AccessRefused() | AccessUnproved() | KeyCreated() | KeyRotated() | KeyRevoked():
            return _access(body)
        case EndpointDisabled():
            told = _words(endpoint=str(body.endpoint_id), owner=body.owner, host=body.host, why=body.why)
            return _Told(error_message=body.detail, request_data=told)
        case IntegrationCommandRefused():
            why = f"{body.reason}: {body.field}: {body.detail}"
            return _Told(body.integration_id, body.command_id, error_message=why, request_data=_by(body.by))
        case IntegrationCommandRejected():
            field = f"{body.field}: " if body.field else ""
            return _Told(command_id=body.command_id, error_message=f"{body.reason}: {field}{body.detail}")
        case RegistryResult():
            return _changed(body)
        case WebhookReceived():
            told = _words(event=body.event_id, type=body.event_type, said=body.said, digest=body.body_digest)
            return _Told(body.integration_id, request_data=told)
        case WebhooksRefused():
            why = f"{body.why}: {body.times} calls"
            return _Told(body.integration_id, error_message=why, request_data=_words(digest=body.last_digest))
        case WebhookHandled():
            told = _words(event=body.event_id, outcome=body.outcome, received=str(body.received_id))
            return _Told(body.integration_id, body.command_id, error_message=body.detail, request_data=told)
        case PaymentOrder() | ResourceOrder():
            return _Told(body.integration_id)
        case _:
            assert_never(body)


def _access(body: AccessEvent) -> _Told:
    """Who asked what over HTTP, and who gave whom a key to it."""
    match body:
        case AccessRequested():
            words = _by(body.caller, key=body.key, asked=f"{body.method} {body.route}", outcome=body.outcome)
            return _Told(body.integration_id, body.command_id, body.status, body.duration_ms, request_data=words)
        case AccessRefused():
            return _Told(error_message=f"{body.why}: {body.times} times", request_data=_by(body.caller or "nobody"))
        case AccessUnproved():
            words = _by("nobody", asked=f"{body.method} {body.route}", times=str(body.times))
            return _Told(status_code=body.status, request_data=words)
        case KeyCreated():
            words = _by(
                body.created_by,
                key=body.key,
                caller=body.caller,
                of=body.name,
                scopes=" ".join(body.scopes),
                integrations=None if body.integrations is None else " ".join(body.integrations),
            )
            return _Told(request_data=words)
        case KeyRotated():
            return _Told(request_data=_by(body.rotated_by, key=body.key, caller=body.caller, replaces=body.replaces))
        case KeyRevoked():
            return _Told(request_data=_by(body.revoked_by, key=body.key, caller=body.caller))
        case _:
            assert_never(body)


def _changed(body: RegistryResult) -> _Told:
    """Who changed the registry, and what it became."""
    match body:
        case IntegrationChange(integration=state):
            why = getattr(body, "why", None)
            said = _by(body.by, why=why)
            text = as_jsonb(state.model_dump_json(exclude_none=True))
            return _Told(state.integration_id, body.command_id, request_data=said, response_data=text)
        case UserMapped(mapping=mapping):
            return _Told(mapping.integration_id, body.command_id, request_data=_by(body.by, user=mapping.user_id))
        case UserUnmapped():
            return _Told(body.integration_id, body.command_id, request_data=_by(body.by, user=body.user_id))
        case RoutingRulePut(state=state):
            text = as_jsonb(state.model_dump_json(exclude_none=True))
            said = _by(body.by, rule=state.rule.rule_id)
            return _Told(command_id=body.command_id, request_data=said, response_data=text)
        case RoutingRuleRemoved():
            return _Told(command_id=body.command_id, request_data=_by(body.by, rule=body.rule_id))
        case _:
            return _Told(command_id=body.command_id, request_data=_by(body.by))


def _by(name: str, **more: str | None) -> str | None:
    """Who did something by hand, and what was said about it."""
    return _words(by=name, **more)


def _words(**said: str | None) -> str | None:
    present = {word: text for word, text in said.items() if text is not None}
    return as_jsonb(json.dumps(present, ensure_ascii=False)) if present else None


def _result(body: Any) -> _Told:
    return _Told(body.performed.integration_id if body.performed is not None else None, body.command_id)
