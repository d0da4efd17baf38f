"""Worker and projector in one process whose spans and metrics are kept in memory and printed at the end, as JSON.

A process of its own, since OpenTelemetry's providers can be set once in each.
"""

import asyncio
import json
import sys
from typing import Any

from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra.cli.process import stop_on_signals
from infra.projector import run_projector
from infra.settings import read_settings
from infra.telemetry import set_up
from infra.worker import run_worker


async def _run(settings: Any) -> None:
    stop = stop_on_signals()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_worker(settings, stop, on_ready=lambda: None))
        tasks.create_task(run_projector(settings, stop, on_ready=lambda: None))


def _spans(exporter: InMemorySpanExporter) -> list[dict[str, Any]]:
    return [
        {
            "name": span.name,
            "kind": span.kind.name,
            "trace": f"{span.context.trace_id:032x}",
            "id": f"{span.context.span_id:016x}",
            "parent": None if span.parent is None else f"{span.parent.span_id:016x}",
            "attributes": dict(span.attributes or {}),
        }
        for span in exporter.get_finished_spans()
    ]


def _counts(reader: InMemoryMetricReader) -> list[dict[str, Any]]:
    found = reader.get_metrics_data()
    return [
        {"name": metric.name, "unit": metric.unit, "count": point.count, "attributes": dict(point.attributes or {})}
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    ]


if __name__ == "__main__":
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    telemetry = set_up(known := read_settings(), "worker", spans=spans, reader=reader)
    asyncio.run(_run(known))
    sys.stdout.write(json.dumps({"spans": _spans(spans), "metrics": _counts(reader)}) + "\n")
    telemetry.shutdown()
