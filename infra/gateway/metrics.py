"""What the HTTP edge measures. Labels are of our own making: no path, name or address that a stranger chose."""

from typing import Final

from opentelemetry import metrics

_METER = metrics.get_meter("kolaj.gateway")
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = _METER.create_counter(
    "kolaj.gateway.requests", unit="{request}", description="Requests answered, by route and class of status."
)
ANSWERED_WITHIN = _METER.create_histogram(
    "kolaj.gateway.request.duration",
    unit="s",
    description="From the headers of a request to the beginning of its answer, by route.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
UNDER_WAY = _METER.create_up_down_counter(
    "kolaj.gateway.requests.active", unit="{request}", description="Requests without an answer yet, by area."
)
RECEIVED = _METER.create_counter(
    "kolaj.webhooks.received", unit="{call}", description="Providers' calls that were stored, by integration."
)
REFUSED = _METER.create_counter(
    "kolaj.webhooks.refused", unit="{call}", description="Calls that were not taken, by integration, if known, and why."
)
PUBLISHED_WITHIN = _METER.create_histogram(
    "kolaj.webhooks.publish.duration",
    unit="s",
    description="How long Kafka took to acknowledge a call.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
