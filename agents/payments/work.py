"""What is handed around while one command is worked on."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.delivery import Delivery
from agents.ledger import Claim
from agents.payments.decisions import Refuse
from agents.payments.resolve import Propose, Settle
from providers.connector import Attempt, Integration
from providers.outcome import Outcome
from schemas.errors import NotSent, Throttled
from schemas.payments import Dispute, Payment, TakeNotice
from schemas.payments.resources import Resource
from schemas.payments.vocabulary import Command
from schemas.routing import Routed


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the agent goes on, in seconds."""

    deadline_s: float = 15
    """For one call, whatever more its operation would allow; it has to end well before the lease."""
    give_up_after_s: float = 300
    """Past this age a command that certainly was not performed is refused as `gave_up`."""
    unknown_after_s: float = 900
    """Past this age of its first send a command nobody can say anything about ends as `unknown`."""
    abandon_after_s: float = 3600
    """As long a payer has to do what a payment waits for, unless the provider's own page is open for longer."""
    transfer_abandon_after_s: float = 72 * 3600
    """The same for a bank transfer."""
    give_up_after_tries: int = 100
    """As often it may be taken up in vain; an open breaker, throttling and a stopped integration do not count."""
    first_wait_s: float = 0.25
    longest_wait_s: float = 3600
    paused_wait_s: float = 10
    """While an integration's breaker is open there is no use in asking sooner."""

    def wait_s(self, age_s: float) -> float:
        """Ask again after half the time that has gone by: quickly at first, seldom in the end."""
        return min(max(age_s / 2, self.first_wait_s), self.longest_wait_s)


_ELSEWHERE: Final = {
    "breaker_open": "calls to it are paused after repeated failures",
    "no_connection": "it could not be reached",
    "no_token": "it gave no access token",
    "tls": "its certificate is not trusted",
    "provider_transient": "it was passingly unable to",
    "throttled": "its limit was reached",
}


@dataclass(frozen=True, slots=True)
class Unperformed:
    """An attempt came to nothing, certainly: nothing of it is marked any more."""

    integration: Integration
    attempt: Attempt
    failed: NotSent | Throttled

    @property
    def why(self) -> str | None:
        """What keeps this integration from performing, and perhaps no other one; `None` when it is none of its own."""
        return _ELSEWHERE.get(self.failed.reason)


@dataclass(frozen=True, slots=True)
class Work:
    """A command under a claim, and what it is about as that stood when it was claimed.

    Attributes:
        payment: of a command about a resource, one that never was.
        source: who published it (`ce_source`).
        failed: what was tried since it was taken up this time; the claim is younger than each of them.
        resource: of a command about a resource.
    """

    delivery: Delivery
    command_id: UUID
    command: Command
    payment: Payment
    claim: Claim
    source: str
    failed: tuple[Unperformed, ...] = ()
    resource: Resource | None = None

    @property
    def stands(self) -> Payment | Resource:
        """How that stands which the command is about."""
        return self.payment if self.resource is None else self.resource

    @property
    def of_resource(self) -> Resource:
        """The resource that a command about one is about."""
        if self.resource is None:
            raise AssertionError("work on a command about a resource holds the resource")
        return self.resource

    @property
    def maybe_sent(self) -> bool:
        return any(attempt.maybe_sent for attempt in self.claim.attempts)

    def facts(self, **more: object) -> dict[str, object]:
        """For log lines."""
        return {"command_id": str(self.command_id), "command_type": self.command.type, **more}


@dataclass(frozen=True, slots=True)
class Decided:
    """The provider gave its verdict on an attempt."""

    outcome: Outcome
    integration: Integration
    attempt: Attempt
    routed: Routed | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard says nothing new, so that nobody was asked."""

    notice: TakeNotice


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute of the payment, as its provider tells of it."""

    dispute: Dispute
    integration: Integration


@dataclass(frozen=True, slots=True)
class Unsettled:
    """All patience is used up, and nobody can say what became of the attempt."""

    detail: str
    integration_id: str
    provider: str
    attempt: Attempt
    routed: Routed | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing to conclude yet.

    Attributes:
        counts: it was tried in vain.
        mistaken: the hub's own code failed at it.
        integration_id: which one it waits for, where that need not be the first of its route.
    """

    after_s: float
    why: str = "the claim was lost"
    counts: bool = True
    mistaken: bool = False
    integration_id: str | None = None


@dataclass(frozen=True, slots=True)
class Onward:
    """Nothing was performed, and another integration is to be tried at once, under a claim made anew."""

    failed: tuple[Unperformed, ...]


Step = Decided | Known | Disputed | Unsettled | Unperformed | Later | Onward | Refuse | Settle | Propose
