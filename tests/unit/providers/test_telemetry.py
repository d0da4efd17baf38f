"""What a call leaves in traces: which account, which operation, how it ended; nothing of anybody."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from providers import performing
from providers.caller import Caller
from providers.exchange import CallerSettings
from providers.registry import connectors
from providers.retry import RetryPolicy
from schemas.errors import OutcomeUnknown
from schemas.payments import CreatePayment
from tests.conformance.far_side import answering, far_side
from tests.conformance.samples import a_command, an_integration, attempt_for


async def test_a_span_names_the_call_and_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    # The tracer is global by the API's own design, and other tests have theirs.
    monkeypatch.setattr(performing, "_TRACER", provider.get_tracer("test"))
    connector = connectors()["iyzico"]
    operation = connector.operation_for(CreatePayment)
    assert operation is not None
    settings = CallerSettings(retry=RetryPolicy(tries=1))
    async with (
        far_side(answering(500, b"isil@example.com")) as far,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=settings) as caller,
    ):
        integration = an_integration(connector, far.base_url)
        attempt = attempt_for(connector, operation)
        prepared = caller.prepare(integration, operation, a_command(CreatePayment), attempt)
        with pytest.raises(OutcomeUnknown):
            await caller.send(prepared, deadline_s=5)
    [span] = kept.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "kolaj.provider": "iyzico",
        "kolaj.integration": "iyzico-main",
        "kolaj.operation": "create",
        "kolaj.attempt": 1,
        "kolaj.outcome": "unknown",
    }
    assert (span.kind, span.status.status_code, span.events) == (SpanKind.CLIENT, StatusCode.ERROR, ())
