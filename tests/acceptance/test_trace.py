"""One trace from the publisher through agent, provider call and projection; metrics; logs that name the command."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.process import spawn
from schemas.ids import new_id
from streams.reader import replay
from tests.acceptance.orders import Orders, a_payment
from tests.hub import Hub, running_hub

TRACE, PUBLISHER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
UNSAMPLED = "1bf7651916cd43dd8448eb211c80319c"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Told:
    """What the hub told of two commands, the second of which its publisher did not sample."""

    hub: Hub
    command_id: UUID
    unsampled_id: UUID
    spans: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    logs: list[dict[str, Any]]

    def span(self, name: str) -> dict[str, Any]:
        (found,) = [span for span in self.spans if span["name"] == name and span["trace"] == TRACE]
        return found


@pytest_asyncio.fixture(scope="module")
async def told(
    stack: LocalStack, database_url: str, topic_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Told]:
    log = tmp_path_factory.mktemp("traced") / "traced.log"
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0, projectors=0) as hub:
        environment = {**hub.environment, "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "/")}
        process = spawn(
            "traced hub", [sys.executable, "-m", "tests.acceptance.traced_hub"], log=log, environment=environment
        )
        try:
            ids = new_id(), new_id()
            sampled = Orders(hub).record(a_payment(), ids[0], traceparent=f"00-{TRACE}-{PUBLISHER}-01")
            unsampled = Orders(hub).record(a_payment(), ids[1], traceparent=f"00-{UNSAMPLED}-{PUBLISHER}-00")
            await hub.publish([sampled, unsampled])
            await hub.results(ids)
            await hub.projected()
        finally:
            await process.stop(signal.SIGTERM, within_s=20)
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
        kept = next((line for line in lines if "spans" in line), None)
        assert kept is not None, process.log_tail()
        yield Told(hub, *ids, kept["spans"], kept["metrics"], [line for line in lines if "logger" in line])


async def test_the_agents_span_continues_the_publishers_trace(told: Told) -> None:
    span = told.span("payments.command")
    assert (span["parent"], span["kind"]) == (PUBLISHER, "CONSUMER")
    assert span["attributes"]["kolaj.command_id"] == str(told.command_id)
    assert span["attributes"]["kolaj.command_type"] == "payments.create.v1"


async def test_the_providers_call_is_a_child_of_the_agents_span(told: Told) -> None:
    span = told.span("provider create")
    assert (span["parent"], span["kind"]) == (told.span("payments.command")["id"], "CLIENT")
    assert span["attributes"]["kolaj.outcome"] == "accepted"


async def test_the_projection_of_the_result_ends_the_trace(told: Told) -> None:
    topics = told.hub.settings.topics
    projected = [span for span in told.spans if span["name"] == "project" and span["trace"] == TRACE]
    by_topic = {span["attributes"]["messaging.destination.name"]: span for span in projected}
    assert set(by_topic) >= {topics.payment_events.name, topics.provider_calls.name, topics.payment_commands.name}
    result = by_topic[topics.payment_events.name]
    assert result["parent"] == told.span("payments.command")["id"]
    assert result["attributes"]["cloudevents.event_type"] == "payments.created.v1"


async def test_every_record_of_the_command_names_its_trace(told: Told) -> None:
    topics = told.hub.settings.topics
    for topic in (topics.payment_events, topics.intents, topics.provider_calls):
        named = [record.text("traceparent") or "" async for record in replay(told.hub.settings.kafka, topic.name)]
        assert sum(TRACE in text for text in named) == 1
        assert sum(UNSAMPLED in text and text.endswith("-00") for text in named) == 1


async def test_what_the_publisher_does_not_sample_is_not_recorded(told: Told) -> None:
    assert not [span for span in told.spans if span["trace"] == UNSAMPLED]


async def test_calls_are_counted_and_timed(told: Told) -> None:
    created = [
        point
        for point in told.metrics
        if point["name"] == "kolaj.provider.call.duration" and point["attributes"]["kolaj.operation"] == "create"
    ]
    (point,) = created
    assert (point["count"], point["unit"]) == (2, "s")
    assert point["attributes"]["kolaj.outcome"] == "accepted"


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_commands_log_lines_name_it_and_its_trace(told: Told, sampled: bool) -> None:
    command_id, trace = (told.command_id, TRACE) if sampled else (told.unsampled_id, UNSAMPLED)
    (line,) = [line for line in told.logs if line.get("command_id") == str(command_id)]
    assert (line["message"], line["verdict"], line["level"]) == ("command concluded", "accepted", "INFO")
    assert (line["command_type"], line["trace_id"]) == ("payments.create.v1", trace)


async def test_every_log_line_is_one_json_object_with_a_time(told: Told) -> None:
    assert told.logs
    assert all({"time", "level", "logger", "message"} <= set(line) for line in told.logs)
