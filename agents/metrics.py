"""What a worker measures beside its calls: how far it is behind, what it concludes, what waits."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from streams.watching import GroupWatch

_METER = metrics.get_meter("kolaj.worker")

CONCLUDED = _METER.create_counter(
    "kolaj.commands.concluded", unit="{command}", description="Commands that got their result, by verdict."
)
WEBHOOKS = _METER.create_counter(
    "kolaj.webhooks.handled", unit="{call}", description="Calls of providers that were handled, by what became of them."
)
CONTRADICTED = _METER.create_counter(
    "kolaj.payments.contradicted",
    unit="{payment}",
    description="Payments that were found at their provider otherwise than concluded here: somebody has to look.",
)
PARKED = _METER.create_counter(
    "kolaj.commands.parked", unit="{command}", description="Commands laid down to wait, by reason; each time counts."
)


def measure(
    watches: Sequence[GroupWatch], *, running: Callable[[], int], waiting: Callable[[], Mapping[str, int]]
) -> None:
    """Offer what one worker sees to whoever collects metrics, from another thread.

    Args:
        watches: of its consumers. The lag of a delayed topic counts from the moments when its records are due.
        running: commands worked on just now.
        waiting: parked commands by integration, of all workers together, as of the last count.
    """

    def records(_: CallbackOptions) -> Iterable[Observation]:
        for watch in watches:
            for (topic, partition), lag in watch.lags.items():
                yield Observation(lag.records, {"topic": topic, "partition": partition})

    def ages(_: CallbackOptions) -> Iterable[Observation]:
        for watch in watches:
            for (topic, partition), age_s in watch.ages_s(time.time()).items():
                yield Observation(age_s, {"topic": topic, "partition": partition})

    def in_flight(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(running())

    def parked(_: CallbackOptions) -> Iterable[Observation]:
        for integration_id, count in waiting().items():
            yield Observation(count, {"integration": integration_id})

    _METER.create_observable_gauge(
        "kolaj.consumer.lag.records", [records], "{record}", "Records not finished yet, by topic and partition."
    )
    _METER.create_observable_gauge(
        "kolaj.consumer.lag.age", [ages], "s", "How long the oldest of them waits, by topic and partition."
    )
    _METER.create_observable_gauge(
        "kolaj.worker.in_flight", [in_flight], "{command}", "Commands that this worker works on."
    )
    _METER.create_observable_gauge(
        "kolaj.commands.waiting", [parked], "{command}", "Parked commands of all workers, by integration."
    )
