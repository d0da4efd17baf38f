"""Where a command under a claim may go now: routing over integrations and rules that may change under way."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.payments.decisions import Promise, Refuse
from agents.payments.work import Work
from agents.routing import NOT_READY, Route, Way, closed_refusal, route
from providers.connector import Integration, Operation
from schemas.payments import Payment
from schemas.payments.vocabulary import Command
from schemas.routing import RoutingRule


async def _nothing_new() -> None:
    """Where the integrations never change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What routing looks at; each part is read anew at each command.

    Attributes:
        rules: for commands that name no integration.
        owners: which integrations an owner uses.
        stopped: integrations that nothing is sent to; a command that has no other waits.
        disabled: integrations that take no command any more; what was sent there is still asked about.
        look_again: reads anew which integrations there are, if anything changed.
        paused_s: for how many seconds a call would certainly be refused in this process; zero when it may be tried.
    """

    integrations: Mapping[str, Integration]
    paused_s: Callable[[Integration, Operation[Any, Any]], float]
    rules: Callable[[], Sequence[RoutingRule]] = tuple
    owners: Callable[[], Mapping[str, Sequence[str]]] = dict
    stopped: Callable[[], Collection[str]] = frozenset
    disabled: Mapping[str, Integration] = field(default_factory=dict)
    look_again: Callable[[], Awaitable[None]] = _nothing_new

    def route(self, work: Work) -> Route | Refuse:
        """For a command of which certainly nothing was performed."""
        return closed_refusal(work.command, work.stands, self.disabled) or route(
            work.command_id,
            work.command,
            work.stands,
            self.integrations,
            rules=self.rules(),
            owners=self.owners(),
        )

    def way(self, work: Work, among: Route, unable: Collection[str] = ()) -> Way | None:
        """The first place that takes the command now and was not tried in vain; `None` when there is none.

        Where there is no choice the place is tried, whatever is known of it: what comes of it says when to try again.

        Args:
            unable: integrations that can never perform this command.
        """
        over = {}
        if len(among.choices) > 1:
            closed = {choice.integration.id: self._closed(choice.integration, work.command) for choice in among.choices}
            over = {name: why for name, why in closed.items() if why is not None}
        tried = {failed.integration.id: failed.why or "" for failed in work.failed}
        return among.way({**over, **tried, **dict.fromkeys(unable, "it cannot perform this command")})

    def last_resort(self, among: Route, unable: Collection[str] = ()) -> Way:
        """Where a command waits that no place takes now: the first of those that may take it the soonest."""
        left = [choice for choice in among.choices if choice.integration.id not in unable]
        stopped = self.stopped()
        # A pause ends by itself within seconds, what is lacking is looked for every few, and a stop is slept through.
        return among.at(
            min(left, key=lambda choice: (choice.integration.id in stopped, choice.integration.lacks is not None))
        )

    def known(self, integration_id: str) -> Integration | None:
        """An integration where something was sent, a disabled one too; `None` when it is gone."""
        return self.integrations.get(integration_id) or self.disabled.get(integration_id)

    def awaits_completion(self, payment: Payment) -> bool:
        """Whether the provider where the payment is takes its money, once the payer agreed, by a completion alone.

        Of one that is not known any more nothing is said against it: that it is gone is what keeps it from there.
        """
        at = None if payment.integration_id is None else self.known(payment.integration_id)
        return at is None or at.connector.awaits_completion

    def promise(self, work: Work) -> Promise | None:
        """What the provider promises of the last attempt that may have been sent."""
        maybe_sent = [attempt for attempt in work.claim.attempts if attempt.maybe_sent]
        sent_to = self.known(maybe_sent[-1].integration_id) if maybe_sent else None
        operation = None if sent_to is None else sent_to.connector.operation_for(type(work.command))
        return None if operation is None else Promise(operation.repeatable_for_s, operation.resend_after_absence_s)

    def of(self, work: Work) -> str | None:
        """The id of the integration that the command stands at, or will go to first; `None` when there is none."""
        maybe_sent = [attempt for attempt in work.claim.attempts if attempt.maybe_sent]
        if maybe_sent:
            return maybe_sent[-1].integration_id
        found = self.route(work)
        return None if isinstance(found, Refuse) else found.foremost.integration.id

    def _closed(self, integration: Integration, command: Command) -> str | None:
        """Why nothing, or only what has no other place, is sent there now."""
        if integration.id in self.stopped():
            return "an operator stopped it"
        if integration.lacks is not None:
            return NOT_READY
        operation = integration.connector.operation_for(type(command))
        if operation is not None and self.paused_s(integration, operation) > 0:
            return "calls to it are paused"
        return None
