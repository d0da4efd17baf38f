"""Sums over what stands in the books. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.sandbox.iyzico.records import BookedPayment


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in minor units by currency, and counts by the conversationId that a client sent.

    `charges_by_conversation` counts successful creations (charges and holds): more than one is a double charge.
    """

    payments: int
    by_state: Mapping[str, int]
    charged_minor: Mapping[str, int]
    held_minor: Mapping[str, int]
    cancelled_minor: Mapping[str, int]
    refunded_minor: Mapping[str, int]
    net_minor: Mapping[str, int]
    charges_by_conversation: Mapping[str, int]
    reversals_by_conversation: Mapping[str, int]

    @property
    def charged_more_than_once(self) -> tuple[str, ...]:
        return tuple(key for key, count in self.charges_by_conversation.items() if count > 1)


def totals_of(payments: Iterable[BookedPayment]) -> Totals:
    """Pure; `payments` are the books' entries."""
    sums: dict[str, defaultdict[str, int]] = {
        name: defaultdict(int) for name in ("charged", "held", "cancelled", "refunded", "net")
    }
    states: Counter[str] = Counter()
    charges: Counter[str] = Counter()
    reversals: Counter[str] = Counter()
    for payment in payments:
        states[payment.state] += 1
        sums["charged"][payment.currency] += payment.charged_minor
        sums["held"][payment.currency] += payment.paid_minor if payment.state == "held" else 0
        sums["refunded"][payment.currency] += payment.refunded_minor
        sums["net"][payment.currency] += payment.net_minor
        if payment.conversation_id is not None and payment.state not in ("declined", "rejected", "started"):
            charges[payment.conversation_id] += 1
        for reversal in payment.reversals:
            if reversal.kind == "cancel":
                sums["cancelled"][payment.currency] += reversal.amount_minor
            if reversal.conversation_id is not None:
                reversals[reversal.conversation_id] += 1
    return Totals(
        payments=sum(states.values()),
        by_state=dict(states),
        charged_minor=dict(sums["charged"]),
        held_minor=dict(sums["held"]),
        cancelled_minor=dict(sums["cancelled"]),
        refunded_minor=dict(sums["refunded"]),
        net_minor=dict(sums["net"]),
        charges_by_conversation=dict(charges),
        reversals_by_conversation=dict(reversals),
    )
