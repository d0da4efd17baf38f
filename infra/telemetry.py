"""Where traces and metrics go: the only place that sets up exporters. Elsewhere OpenTelemetry's API is used alone."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

from infra.logs import Scrubber, configure_logs
from infra.settings import Settings

_METRICS_EVERY_MS: Final = 15_000
_FLUSH_MS: Final = 5_000


@dataclass(frozen=True)
class Telemetry:
    """What was set up for this process; `None` where nothing is exported."""

    tracers: TracerProvider | None
    meters: MeterProvider | None

    def shutdown(self) -> None:
        """Export what waits, within seconds; nothing of ours depends on whether it arrives."""
        if self.tracers is not None:
            self.tracers.force_flush(_FLUSH_MS)
            self.tracers.shutdown()
        if self.meters is not None:
            self.meters.shutdown(timeout_millis=_FLUSH_MS)


def set_up(
    settings: Settings,
    process: str,
    *,
    spans: SpanExporter | None = None,
    reader: MetricReader | None = None,
) -> Telemetry:
    """Logs, traces and metrics of one process, once, before anything else.

    With `OTEL_EXPORTER_OTLP_ENDPOINT` set, traces and metrics go there by OTLP over HTTP. A process that has a listener
    for metrics keeps them for Prometheus too. Else nothing is kept, yet the publisher's `traceparent` is still handed
    on. `spans` and `reader` are taken instead by tests.
    """
    configure_logs(settings.log_level, Scrubber.of(settings))
    resource = Resource.create(
        {
            "service.name": f"kolaj-{process}",
            "service.namespace": settings.topic_prefix,
            "service.instance.id": f"{process}-{os.getpid()}",
            "deployment.environment.name": settings.environment,
        }
    )
    readers = [reader] if reader is not None else _readers(settings, process)
    return Telemetry(_tracers(settings, resource, spans), _meters(resource, readers))


def _tracers(settings: Settings, resource: Resource, spans: SpanExporter | None) -> TracerProvider | None:
    processor: SpanProcessor
    if spans is not None:
        processor = SimpleSpanProcessor(spans)
    elif settings.otlp_endpoint:
        processor = BatchSpanProcessor(OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"))
    else:
        return None
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(processor)
    trace.set_tracer_provider(tracers)
    return tracers


def _readers(settings: Settings, process: str) -> list[MetricReader]:
    found: list[MetricReader] = []
    if settings.otlp_endpoint:
        exporter = OTLPMetricExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/metrics")
        found.append(PeriodicExportingMetricReader(exporter, export_interval_millis=_METRICS_EVERY_MS))
    if process == "gateway" and settings.gateway_metrics_bind is not None:
        found.append(PrometheusMetricReader())
    return found


def _meters(resource: Resource, readers: Sequence[MetricReader]) -> MeterProvider | None:
    if not readers:
        return None
    meters = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(meters)
    return meters
