"""Where a provider's call goes: to the lane of what it is about, to wait for that, or nowhere."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agents.delivery import Delivery
from agents.webhooks.agent import WebhooksAgent
from agents.webhooks.finding import Finder, Subject
from schemas.ids import new_id
from schemas.webhooks import WebhookHandled, WebhookReceived
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.records import Position, RawRecord
from streams.topics import Topics
from tests.builders import NOON, a_record, a_webhook_received

TOPICS = Topics()
SUBJECT = Subject(new_id(), None)


class Known(Finder):
    """Finds one subject, or none, whatever the call."""

    def __init__(self, found: Subject | None) -> None:
        self._found = found

    async def subject(self, call: WebhookReceived) -> Subject | None:
        del call
        return self._found

    async def known(self, command_id: UUID) -> str | None:
        del command_id
        return None


class Kept(Publisher):
    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Iterable[Outgoing]) -> list[Position]:
        self.records.extend(records)
        return []


async def went(found: Subject | None, **said: Any) -> list[str]:
    """The topics that records about the call went to, or how it was said to have ended."""
    made = a_record(TOPICS.webhook_events.name, a_webhook_received(**said), key="k")
    record = RawRecord(made.topic, 0, 0, 0, made.key, made.value, made.headers)
    kept = Kept()
    agent = WebhooksAgent(Known(found), kept, TOPICS, patience=timedelta(hours=1), now=lambda: NOON)
    assert await agent.handle(Delivery(record, lambda: None)) is None
    return [
        WebhookHandled.model_validate_json(one.value or b"").outcome
        if one.topic == TOPICS.webhook_events.name
        else one.topic
        for one in kept.records
    ]


@pytest.mark.parametrize("about", ["payment", "resource"])
async def test_a_call_about_what_is_known_becomes_a_command(about: str) -> None:
    assert await went(SUBJECT, about=about, said=None) == [TOPICS.payment_commands.name, "processed"]


@pytest.mark.parametrize(("about", "said"), [("payment", "captured"), ("resource", None)])
async def test_a_call_about_what_is_not_known_yet_waits(about: str, said: str | None) -> None:
    (topic,) = await went(None, about=about, said=said)
    assert topic in {retry.name for _, retry in TOPICS.retries}


@pytest.mark.parametrize("names", [{}, {"our_reference": None, "provider_reference": None}])
async def test_a_dispute_of_what_is_not_known_yet_waits(names: dict[str, Any]) -> None:
    (topic,) = await went(None, said=None, dispute_reference="du_1", **names)
    assert topic in {retry.name for _, retry in TOPICS.retries}


@pytest.mark.parametrize(
    "said", [{"said": None}, {"our_reference": None, "provider_reference": None, "about": "resource"}]
)
async def test_a_call_that_says_nothing_that_could_be_found_is_told_as_such(said: dict[str, Any]) -> None:
    assert await went(None, **said) == ["about_nothing"]
