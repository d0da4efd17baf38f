"""The trace of a record: read from its headers, written into them. Through the OpenTelemetry API alone, no exporter."""

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from schemas.envelope import Header
from streams.records import RawHeader, ascii_fold


class _Headers(Getter[Mapping[str, list[str]]]):
    def get(self, carrier: Mapping[str, list[str]], key: str) -> list[str] | None:
        return carrier.get(ascii_fold(key))

    def keys(self, carrier: Mapping[str, list[str]]) -> list[str]:
        return list(carrier)


_GETTER = _Headers()


def extract(headers: Iterable[RawHeader]) -> Context:
    """The context a record was published in; an empty one when it names none, or none that can be read."""
    carrier: dict[str, list[str]] = {}
    for name, value in headers:
        if value is not None:
            carrier.setdefault(ascii_fold(name), []).append(value.decode("utf-8", "replace"))
    return propagate.extract(carrier, context=Context(), getter=_GETTER)


def inject(headers: Sequence[Header], context: Context | None = None) -> tuple[Header, ...]:
    """The headers with the trace of `context` (the current one by default) instead of the one they named."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context=context)
    if not carrier:
        return tuple(headers)
    kept = [pair for pair in headers if ascii_fold(pair[0]) not in carrier]
    return (*kept, *((name, value.encode()) for name, value in carrier.items()))


def current_traceparent(context: Context | None = None) -> str | None:
    """The `traceparent` of `context` (the current one by default), for an envelope; `None` outside any trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context=context)
    return carrier.get("traceparent")
