"""The hub's topics: names, partitions, retention. Nothing else in the hub spells a topic's name."""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000
FOREVER_MS: Final = -1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as we declare it.

    Attributes:
        name: full name, environment prefix included.
        partitions: fixed for life, since the key's partition depends on it.
        retention_ms: how long records stay; -1 for ever.
    """

    name: str
    partitions: int
    retention_ms: int
    max_message_bytes: int = 2 * 1024 * 1024

    def config(self) -> dict[str, str]:
        """Topic settings as Kafka names them. No topic is compacted: each record is a fact, not a state."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of one environment. Sandbox and production never share a prefix."""

    prefix: str = "kolaj"
    partitions: int = 6
    retry_delays_s: tuple[int, ...] = (10, 60, 600, 3600)
    """How long a parked command waits before it is woken: a topic for each delay, first in, first out."""

    def _topic(self, name: str, retention_ms: int) -> Topic:
        return Topic(f"{self.prefix}.{name}", self.partitions, retention_ms)

    @property
    def payment_commands(self) -> Topic:
        """Orders, personal data included: kept for seven days."""
        return self._topic("payments.commands", 7 * DAY_MS)

    @property
    def payment_events(self) -> Topic:
        return self._topic("payments.events", FOREVER_MS)

    @property
    def intents(self) -> Topic:
        """What is about to be sent, written before it is: the ledger is rebuilt from here."""
        return self._topic("ledger.intents", FOREVER_MS)

    @property
    def provider_calls(self) -> Topic:
        return self._topic("provider.calls", FOREVER_MS)

    @property
    def integration_commands(self) -> Topic:
        """Orders about integrations, mappings and routing rules: kept for seven days."""
        return self._topic("integrations.commands", 7 * DAY_MS)

    @property
    def integration_events(self) -> Topic:
        return self._topic("integrations.events", FOREVER_MS)

    @property
    def webhook_events(self) -> Topic:
        """Calls to us and what became of them. Their bytes are sealed, and kept for 90 days; what they led to stays."""
        return self._topic("webhooks.events", 90 * DAY_MS)

    @property
    def access_events(self) -> Topic:
        """Who asked what of the HTTP edge."""
        return self._topic("access.events", FOREVER_MS)

    @property
    def privacy_events(self) -> Topic:
        """Whose data was erased; after a restore it is erased again from here."""
        return self._topic("privacy.events", FOREVER_MS)

    @property
    def retries(self) -> tuple[tuple[int, Topic], ...]:
        """Delay in seconds and topic, shortest first. The records only wake a key; what waits lies in the ledger."""
        return tuple((delay, self._topic(f"retries.{_span(delay)}", 7 * DAY_MS)) for delay in self.retry_delays_s)

    def retry_after(self, wait_s: float) -> tuple[int, Topic]:
        """The longest delay that is not longer than the wait, or the shortest there is."""
        fitting = [tier for tier in self.retries if tier[0] <= wait_s]
        return fitting[-1] if fitting else self.retries[0]

    @property
    def dead_letters(self) -> Topic:
        return self._topic("dead-letters", 30 * DAY_MS)

    @property
    def audit_anchors(self) -> Topic:
        return self._topic("audit.anchors", FOREVER_MS)

    def all(self) -> tuple[Topic, ...]:
        return (
            self.payment_commands,
            self.payment_events,
            self.intents,
            self.provider_calls,
            self.integration_commands,
            self.integration_events,
            self.webhook_events,
            self.access_events,
            self.privacy_events,
            *(topic for _, topic in self.retries),
            self.dead_letters,
            self.audit_anchors,
        )


def _span(delay_s: int) -> str:
    """`10s`, `1m`, `1h`: the largest unit that says it whole."""
    for unit, seconds in (("h", 3600), ("m", 60)):
        if delay_s % seconds == 0:
            return f"{delay_s // seconds}{unit}"
    return f"{delay_s}s"
