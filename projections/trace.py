"""The last leg of a command's trace: from the record into the tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from opentelemetry import trace

from projections.entry import Entry
from streams.tracing import extract

_LIMIT: Final = 500
"""Traced records of one batch; more in one span's links than this no backend keeps."""

_tracer = trace.get_tracer("kolaj.projections")


@contextmanager
def traced(entries: Sequence[Entry]) -> Iterator[None]:
    """A span for the batch, linked to the traces of its records; and in each sampled trace a span of its own."""
    sampled = list(islice((entry for entry in entries if _sampled(entry)), _LIMIT))
    contexts = [extract(entry.raw.headers) for entry in sampled]
    links = [trace.Link(trace.get_current_span(context).get_span_context()) for context in contexts]
    with _tracer.start_as_current_span("project batch", links=links, attributes={"records": len(entries)}):
        spans = [
            _tracer.start_span(
                "project",
                context=context,
                kind=trace.SpanKind.CONSUMER,
                attributes={
                    "messaging.system": "kafka",
                    "messaging.destination.name": entry.raw.topic,
                    "messaging.kafka.offset": entry.offset,
                    "cloudevents.event_type": entry.envelope.type if entry.envelope else "",
                },
            )
            for entry, context in zip(sampled, contexts, strict=True)
        ]
        try:
            yield
        finally:
            for span in spans:
                span.end()


def _sampled(entry: Entry) -> bool:
    """Whether the trace's flags, the last of its two hex digits, ask for recording.

    Source: W3C Trace Context, section 3.2.2.5.1.
    """
    parent = entry.envelope.traceparent if entry.envelope else None
    return parent is not None and parent[54:55] in {"1", "3", "5", "7", "9", "b", "d", "f"}
