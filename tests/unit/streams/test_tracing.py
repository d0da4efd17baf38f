from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from streams.tracing import current_traceparent, extract, inject

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_context(span_id: int = 7) -> object:
    context = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, span_id, is_remote=False, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(context))


def test_the_publishers_trace_is_read_whatever_the_headers_case() -> None:
    span = trace.get_current_span(extract([("TraceParent", PARENT), ("x", None)])).get_span_context()
    assert (span.trace_id, span.span_id) == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)


def test_what_cannot_be_read_is_no_trace() -> None:
    for headers in ([], [("traceparent", b"\xff")], [("traceparent", b"00-0-0-0")]):
        assert not trace.get_current_span(extract(headers)).get_span_context().is_valid


def test_a_record_names_the_span_that_published_it_once() -> None:
    context = a_context()
    headers = inject([("Traceparent", PARENT), ("ce_id", b"1")], context)  # type: ignore[arg-type] # a Context
    assert headers == (("ce_id", b"1"), ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01"))


def test_outside_a_trace_the_headers_stay() -> None:
    assert inject([("traceparent", PARENT)]) == (("traceparent", PARENT),)
    assert current_traceparent() is None
