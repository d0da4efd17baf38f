from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra.local import LocalStack
from projections import high_water, report
from projections import trace as projection_trace
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(projection_trace, "_tracer", provider.get_tracer("test"))
    return exporter


async def test_the_report_tells_how_far_each_projection_is_behind(hub: Hub) -> None:
    await hub.append(*(a.a_record(hub.topics.payment_events.name, a.a_payment_created()) for _ in range(7)))
    before = await report(hub.access, hub.pool, hub.topics)
    await hub.project_all()
    after = await report(hub.access, hub.pool, hub.topics)
    assert sum(standing.lag for standing in before if standing.projection == "payments") == 7
    assert sum(standing.lag for standing in before if standing.projection == "health") == 0
    assert {standing.lag for standing in after} == {0}
    assert {standing.projection for standing in after} == {
        "audit", "metrics", "payments", "health", "rate_limits", "integrations", "jobs", "webhooks",
        "dead_letters", "resources", "disputes",
    }  # fmt: skip


async def test_waiting_for_what_never_comes_ends_at_its_deadline(hub: Hub) -> None:
    ends = await high_water(hub.access, hub.topics)
    async with hub.projector() as projector:
        with pytest.raises(TimeoutError):
            await projector.caught_up({place: end + 1 for place, end in ends.items()}, within_s=0.5)


async def test_a_sampled_trace_ends_in_the_projection(hub: Hub, spans: InMemorySpanExporter) -> None:
    sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    unsampled = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    events = hub.topics.payment_events.name
    await hub.append(
        a.a_record(events, a.a_payment_created(), traceparent=sampled),
        a.a_record(events, a.a_payment_created(), traceparent=unsampled),
        a.a_record(events, a.a_payment_created(), traceparent="no trace at all"),
        a.a_record(events, a.a_payment_created()),
    )
    await hub.project_all()
    ended: tuple[ReadableSpan, ...] = spans.get_finished_spans()
    own = [span for span in ended if span.name == "project"]
    assert len(own) == 1
    assert own[0].context is not None
    assert own[0].parent is not None
    assert trace.format_trace_id(own[0].context.trace_id) == sampled[3:35]
    assert trace.format_span_id(own[0].parent.span_id) == sampled[36:52]
    linked = [link for span in ended if span.name == "project batch" for link in span.links]
    assert [trace.format_trace_id(link.context.trace_id) for link in linked] == [sampled[3:35]]
