"""Where a stored call goes: to the lane of what it is about, to wait for that, or nowhere."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from agents.delivery import Delivery
from agents.webhooks.agent import WebhooksAgent
from agents.webhooks.finding import Subject
from schemas.envelope import Envelope
from schemas.ids import new_id
from schemas.payments import TakeNotice
from schemas.payments.resources import TakeResourceNotice
from streams.codec import Outgoing, encode
from streams.records import RawRecord
from streams.topics import Topics
from tests.builders import NOON, a_webhook_received

TOPICS = Topics()


class Names:
    """Knows one subject by every name, or none."""

    def __init__(self, subject: Subject | None) -> None:
        self._subject = subject

    async def subject(self, _: object) -> Subject | None:
        return self._subject

    async def known(self, _: object) -> str | None:
        return None


class Log:
    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records += records


async def published(subject: Subject | None, **call: Any) -> list[tuple[str, str]]:
    """Topic and type of what became of a call."""
    log: Any = Log()
    names: Any = Names(subject)
    agent = WebhooksAgent(names, log, TOPICS, patience=timedelta(hours=1), now=lambda: NOON)
    body = a_webhook_received(**call)
    envelope = Envelope(id=new_id(), type=body.type, source="/kolaj/hub/gateway", time=NOON)
    made = encode(TOPICS.webhook_events.name, "key", envelope, body)
    record = RawRecord(made.topic, 0, 0, 0, made.key, made.value, made.headers)
    assert await agent.handle(Delivery(record, lambda: None)) is None
    kinds = [dict(one.headers)["ce_type"].decode() for one in log.records]
    return [(one.topic, kind) for one, kind in zip(log.records, kinds, strict=True)]


HANDLED = (TOPICS.webhook_events.name, "webhooks.handled.v1")
RECEIVED = (TOPICS.retries[0][1].name, "webhooks.received.v1")


@pytest.mark.parametrize(("about", "kind"), [("payment", TakeNotice), ("resource", TakeResourceNotice)])
async def test_a_call_goes_to_the_lane_of_what_it_is_about(about: str, kind: type[Any]) -> None:
    done = await published(Subject(new_id(), None), about=about)
    assert done == [(TOPICS.payment_commands.name, kind.type), HANDLED]


@pytest.mark.parametrize("about", ["payment", "resource"])
async def test_a_call_that_comes_before_what_it_is_about_waits_for_it(about: str) -> None:
    assert await published(None, about=about) == [RECEIVED]


@pytest.mark.parametrize("about", ["payment", "resource"])
async def test_a_call_that_names_nothing_is_about_nothing(about: str) -> None:
    assert await published(None, about=about, our_reference=None, provider_reference=None) == [HANDLED]


async def test_a_call_about_no_payment_s_state_waits_for_none_and_one_about_a_resource_does() -> None:
    assert await published(None, about="payment", said=None) == [HANDLED]
    assert await published(None, about="resource", said=None) == [RECEIVED]
