"""Work on a command that may go to several places, for tests without a broker or a database."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.delivery import Delivery
from agents.ledger import Ask, Claim, ClaimStatus, SentAttempt
from agents.payments.completions import Completions
from agents.payments.places import Places
from agents.payments.work import Unperformed, Work
from providers.connector import Attempt, Integration
from providers.registry import connectors
from schemas.errors import NotSent
from schemas.ids import new_id
from schemas.payments import Payment, StoredCard
from schemas.routing import Routed, RoutingRule, Weighted
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.records import Position, RawRecord
from streams.topics import Topics
from tests.builders import NOON, a_create_payment, lira

INTEGRATIONS = {
    name: Integration(name, connectors()["iyzico"], "sandbox", "https://x.example", {}) for name in ("a", "b", "c")
}
RULE = RoutingRule(rule_id="r", priority=1, choices=(Weighted(integration_id="a", weight=1),), fallback=("b", "c"))


def sent(number: int, integration_id: str, *, maybe_sent: bool = True) -> SentAttempt:
    routed = Routed(integration_id=integration_id, why=f"as attempt {number}")
    return SentAttempt(number, integration_id, f"ref{number}", "digest", maybe_sent, 10.0, routed)


def a_work(*attempts: SentAttempt, failed: tuple[Unperformed, ...] = (), **changed: Any) -> Work:
    method = StoredCard(kind="stored_card", card_token="t")
    command = a_create_payment(**({"integration_id": None, "method": method} | changed))
    delivery = Delivery(RawRecord("commands", 0, 0, 0, b"", b"", ()), lambda: None)
    claim = Claim(Ask("payments/x", new_id(), "t", b"d"), ClaimStatus.TAKEN, 1, attempts=attempts)
    return Work(delivery, new_id(), command, Payment(payment_id=command.payment_id), claim, "/shop", failed)


def places(paused: Mapping[str, float] | None = None, **changed: Any) -> Places:
    given: dict[str, Any] = {"integrations": INTEGRATIONS, "rules": lambda: (RULE,)}
    return Places(paused_s=lambda integration, _: (paused or {}).get(integration.id, 0.0), **(given | changed))


def came_to_nothing(integration_id: str, reason: str = "no_connection") -> Unperformed:
    attempt = Attempt(new_id(), 1, "ref", Payment(payment_id=new_id()), lira("12.50"))
    failed = NotSent("no", provider="iyzico", operation="create", reason=reason)
    return Unperformed(INTEGRATIONS[integration_id], attempt, failed)


class Kept(Publisher):
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> list[Position]:
        self.records += records
        return []


def completions(publisher: Publisher) -> Completions:
    return Completions(publisher, Topics(), now=lambda: NOON)


def no_completions() -> Completions:
    """For tests in which nobody's payer agrees."""
    unused: Any = None
    return completions(unused)
