"""Spans around handling one record, continued from its publisher's trace. Through the OpenTelemetry API alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace

from schemas.envelope import Header
from streams.tracing import extract

_TRACER: Final = trace.get_tracer("kolaj.agents")


@contextmanager
def process_span(name: str, headers: Sequence[Header]) -> Iterator[trace.Span]:
    """A consumer span below the `traceparent` of the record, or the root of a new trace when it has none."""
    with _TRACER.start_as_current_span(name, context=extract(headers), kind=trace.SpanKind.CONSUMER) as span:
        yield span
