"""Orders about integrations from the command line: published, and their one result waited for."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from agents.integrations.registrar import MODELS
from infra.settings import Settings
from schemas.envelope import Envelope
from schemas.errors import HubError, UnreadableRecord
from schemas.ids import new_id, result_id
from schemas.integrations import (
    INTEGRATION_RESULTS,
    IntegrationCommand,
    IntegrationCommandRefused,
    IntegrationCommandRejected,
    IntegrationResult,
)
from streams.codec import decode, encode
from streams.publisher import Publisher
from streams.reader import ResultReader

SOURCE: Final = "/kolaj/hub/operators"
_Answer: TypeAlias = IntegrationResult | IntegrationCommandRejected
_RESULTS: Final[Mapping[str, type[_Answer]]] = {
    model.type: model for model in (*INTEGRATION_RESULTS, IntegrationCommandRejected)
}


class NotDone(HubError):
    """An order was refused, or nobody answered; the message says what to do."""


async def ordered(settings: Settings, command: IntegrationCommand, *, wait_s: float) -> IntegrationResult:
    """Publish an order and wait for its result.

    Raises:
        NotDone: it was refused, or no worker answered in time; it stays in the topic, and a worker takes it later.
        StoreError: Kafka does not answer.
    """
    envelope = Envelope(id=new_id(), type=command.type, source=SOURCE, subject=command.key, time=datetime.now(UTC))
    record = encode(settings.topics.integration_commands.name, command.key, envelope, command)
    try:
        decode(MODELS, record.key, record.value, record.headers)
    except UnreadableRecord as bad:
        # Said here, before a card number lies in a topic.
        raise NotDone(f"not published: {bad}") from bad
    # The reader stands at the end before the order is there, so that its result is not missed.
    async with ResultReader(settings.kafka, settings.topics.integration_events.name, start="latest") as events:
        async with Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
            await publisher.publish([record])
        try:
            async with asyncio.timeout(wait_s):
                result = await _result(events, envelope)
        except TimeoutError:
            raise NotDone(
                f"published as command {envelope.id}, and no result came within {wait_s:g} s: does a worker run? It is "
                "settled as soon as one does; do not repeat it, look with `kolaj integrations list`"
            ) from None
    match result:
        case IntegrationCommandRejected():
            raise NotDone(f"{result.reason}: {result.field}: {result.detail}")
        case IntegrationCommandRefused():
            raise NotDone(f"{result.reason}: {result.field}: {result.detail}" if result.field else result.detail)
        case _:
            return result


async def _result(events: ResultReader, envelope: Envelope) -> _Answer:
    wanted = str(result_id(envelope.id)).encode()
    rejected = IntegrationCommandRejected.type.encode()
    async for record in events:
        if record.header("ce_id") != wanted and record.header("ce_type") != rejected:
            continue
        body = decode(_RESULTS, record.key, record.value, record.readable_headers).body
        if body.command_id == envelope.id:
            return body
    raise AssertionError("a reader reads until it is cancelled")
