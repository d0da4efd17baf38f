import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

# Providers can be set once in a process, so each case runs in one of its own.
PROLOGUE = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from infra.settings import read_settings
from infra.telemetry import set_up
from streams.tracing import current_traceparent, extract
settings = read_settings(kafka=False, database=False)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
context = extract([("traceparent", PARENT.encode())])
tracer = trace.get_tracer("kolaj.test")
"""


def run(code: str, **environment: str) -> str:
    command = [sys.executable, "-W", "error", "-c", PROLOGUE + code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own code
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_spans_and_metrics_go_to_what_is_handed_in() -> None:
    code = """
spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
telemetry = set_up(settings, "worker", spans=spans, reader=reader)
with tracer.start_as_current_span("call", context=context):
    print(current_traceparent()[3:35])
metrics.get_meter("kolaj.test").create_counter("commands").add(2)
(span,) = spans.get_finished_spans()
print(f"{span.parent.span_id:x}", span.resource.attributes["service.name"])
(found,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
print(found.name, found.data.data_points[0].value)
telemetry.shutdown()
"""
    assert run(code).split() == [
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "kolaj-worker",
        "commands",
        "2",
    ]


def test_without_an_exporter_the_publishers_trace_is_still_handed_on() -> None:
    code = """
telemetry = set_up(settings, "worker")
with tracer.start_as_current_span("call", context=context):
    print(current_traceparent())
telemetry.shutdown()
"""
    assert run(code).strip() == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.paths: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Collector)
        self.server.paths.add(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_with_an_endpoint_traces_and_metrics_are_sent_there(collector: Collector) -> None:
    code = """
telemetry = set_up(settings, "worker")
with tracer.start_as_current_span("call"):
    metrics.get_meter("kolaj.test").create_counter("commands").add(1)
telemetry.shutdown()
"""
    run(code, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}/")
    assert collector.paths == {"/v1/traces", "/v1/metrics"}


def test_a_worker_tells_what_it_is_behind_and_what_it_concludes() -> None:
    code = """
import time
from agents.metrics import CONCLUDED, PARKED, measure
from streams.lag import Lag
from streams.watching import Bounds, GroupWatch
reader = InMemoryMetricReader()
telemetry = set_up(settings, "worker", reader=reader)
watch = GroupWatch(None, "g", lambda: None, Bounds(), delays_s={"retries.1m": 60.0})
watch.lags = {
    ("commands", 1): Lag(("commands", 1), 5, 8, int(time.time() * 1000) - 90_000),
    ("retries.1m", 0): Lag(("retries.1m", 0), 0, 2, int(time.time() * 1000) - 30_000),
}
measure([watch], running=lambda: 7, waiting=lambda: {"iyzico-main": 12})
CONCLUDED.add(1, {"verdict": "accepted"})
PARKED.add(2, {"reason": "breaker_open"})
for found in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
    for point in found.data.data_points:
        value = round(point.value, -1) if "age" in found.name else point.value
        print(found.name, *dict(point.attributes).values(), value)
telemetry.shutdown()
"""
    assert sorted(run(code).splitlines()) == [
        "kolaj.commands.concluded accepted 1",
        "kolaj.commands.parked breaker_open 2",
        "kolaj.commands.waiting iyzico-main 12",
        "kolaj.consumer.lag.age commands 1 90.0",
        "kolaj.consumer.lag.age retries.1m 0 0.0",
        "kolaj.consumer.lag.records commands 1 3",
        "kolaj.consumer.lag.records retries.1m 0 2",
        "kolaj.worker.in_flight 7",
    ]
