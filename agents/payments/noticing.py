"""What was heard of a payment: its provider is asked, and only its word counts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from agents.parking import STOPPED
from agents.payments.completions import Completions
from agents.payments.decisions import Call, Refuse
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.work import Decided, Known, Later, Patience, Step, Unperformed, Unsettled, Work
from agents.routing import NOT_READY, Way
from providers.connector import Attempt, Integration
from providers.outcome import ProviderState
from schemas.payments import CreatePayment, Payment, QueryPayment, Reason, StartThreeDSecure, TakeNotice
from schemas.payments.transitions import concerns_another, says_nothing_new
from schemas.verdicts import FailureClass, Verdict

_CATCHES_UP_S: Final = 60.0
"""How long a provider may say "pending" of what it has told the end of. What is longer so is under review, perhaps."""
_CLOCKS_DIFFER_S: Final = 60.0
"""How far the clock of who told of a deadline may be ahead of ours, so that it is waited for."""
_MONEY: Final = frozenset({"captured", "authorized"})
_ENDS: Final = _MONEY | {"failed", "cancelled"}


class Noticing:
    """Asks where what was heard comes from, which need not be where the payment was made."""

    def __init__(
        self,
        performer: Performer,
        places: Places,
        patience: Patience,
        completions: Completions,
        now: Callable[[], datetime],
    ) -> None:
        self._performer = performer
        self._completions = completions
        self._places = places
        self._patience = patience
        self._now = now

    async def ask(self, work: Work, notice: TakeNotice) -> Step:
        """The provider's word, unless nothing can change by it."""
        payment = work.payment
        if notice.cause == "deadline":
            if not payment.creation_is_open:
                return Known(notice)
            early_s = 0.0 if payment.waits_until is None else (payment.waits_until - self._now()).total_seconds()
            if 0 < early_s <= _CLOCKS_DIFFER_S:
                return Later(early_s, "the payer's time is not over by this worker's clock")
        another = concerns_another(
            payment,
            integration_id=notice.integration_id,
            our_reference=notice.our_reference,
            provider_reference=notice.provider_reference,
        )
        if not another and says_nothing_new(payment, notice.said):
            return Known(notice)
        where = notice.integration_id or payment.integration_id
        if where is None:
            return Refuse(Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, "nobody knows where the payment was made")
        asked = asked_about(payment, notice, another=another)
        integration = self._places.known(where)
        if integration is None:
            attempt = Attempt(work.command_id, 1, asked.create_reference or "", asked)
            why = "this hub has the integration no more; add it again"
            return self._performer.unsettled_at(work, where, payment.provider or where, attempt, why)
        step = await self._ask_at(work, asked, integration)
        silence = _no_word(step) if notice.cause == "deadline" else None
        if silence is not None:
            # Silence ends no payment: it is asked until there is an answer.
            return Later(self._patience.wait_s(work.claim.claimed_age_s), silence)
        fit = self._fit(work, notice, asked, step) if isinstance(step, Decided) else step
        if isinstance(fit, Decided) and not another:
            await self._completions.order(work, notice, fit)
        return fit

    async def _ask_at(self, work: Work, asked: Payment, integration: Integration) -> Step:
        if integration.lacks is not None:
            return Later(self._patience.paused_wait_s, NOT_READY, counts=False, integration_id=integration.id)
        operation = integration.connector.operation_for(QueryPayment)
        if operation is None:
            detail = f"{integration.connector.name} cannot be asked how a payment stands"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if integration.id in self._places.stopped():
            return Later(self._patience.longest_wait_s, STOPPED, counts=False, integration_id=integration.id)
        question = replace(work, command=QueryPayment(payment_id=work.payment.payment_id), payment=asked)
        step = await self._performer.call(question, Call(None), Way(integration), operation)
        if isinstance(step, Unperformed):
            why = f"the provider could not be asked: {step.failed.reason}"
            provider = integration.connector.name
            return self._performer.unsettled_at(work, integration.id, provider, step.attempt, why)
        return step

    def _fit(self, work: Work, notice: TakeNotice, asked: Payment, step: Decided) -> Step:
        """Its word, under the names of what was asked about; not yet while it is behind what it has told itself."""
        state = step.outcome.state or ProviderState.PENDING
        if work.claim.claimed_age_s < _behind_s(state, notice.said, step.integration):
            wait_s = self._patience.wait_s(work.claim.claimed_age_s)
            return Later(wait_s, f"the provider says {state} of what it told was {notice.said}")
        outcome = replace(step.outcome, reference=step.outcome.reference or asked.provider_reference)
        if state is ProviderState.NOT_FOUND and notice.said == "failed" and _tells_failures_alone(step.integration):
            outcome = replace(outcome, state=ProviderState.FAILED)
        reference = asked.create_reference or step.attempt.reference
        return replace(step, outcome=outcome, attempt=replace(step.attempt, reference=reference))


def asked_about(payment: Payment, notice: TakeNotice, *, another: bool) -> Payment:
    """The payment with the names by which its provider finds it: those of a further attempt are the notice's own."""
    known = Payment(payment_id=payment.payment_id) if another else payment
    return known.model_copy(
        update={
            "integration_id": notice.integration_id or known.integration_id,
            "provider_reference": known.provider_reference or notice.provider_reference,
            "create_reference": known.create_reference or notice.our_reference,
        }
    )


def _no_word(step: Step) -> str | None:
    """Why the provider has not said how the payment stands; `None` where it has, or will never be asked."""
    if isinstance(step, Unsettled):
        return step.detail
    if isinstance(step, Decided) and step.outcome.verdict is not Verdict.ACCEPTED:
        return f"the provider refused to say how the payment stands: {step.outcome.detail}"
    return None


def _tells_failures_alone(integration: Integration) -> bool:
    webhooks = integration.connector.webhooks
    return webhooks is not None and webhooks.tells_failures_alone


def _behind_s(state: ProviderState, said: str | None, integration: Integration) -> float:
    """For how long such a word may be one that the provider itself has overtaken, in seconds."""
    if state is ProviderState.PENDING and said in _ENDS:
        return _CATCHES_UP_S
    if state is ProviderState.NOT_FOUND and said in _MONEY:
        creations = (integration.connector.operation_for(begun) for begun in (CreatePayment, StartThreeDSecure))
        return max((known.absence_window_s for known in creations if known is not None), default=0.0)
    return 0.0
