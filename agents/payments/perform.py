"""Performing a command at its provider: at most one automatic send, and questions where the outcome is not known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from agents.card_vault import CardVault
from agents.ledger import Ledger, Sending, insist
from agents.payments.card_refs import card_ref_of
from agents.payments.decide import attempt_number
from agents.payments.decisions import Call, Inquire, Refuse
from agents.payments.records import PaymentRecords
from agents.payments.work import Decided, Later, Patience, Step, Unperformed, Unsettled, Work
from agents.routing import Way
from providers.caller import Caller
from providers.connector import Attempt, Card, Integration, Operation
from providers.exchange import Prepared
from providers.outcome import Outcome, Refusal, Sighting
from providers.reference import reference_for
from schemas.base import Frozen
from schemas.errors import NotSent, OutcomeUnknown, StoreError, Throttled
from schemas.payments import Reason
from schemas.routing import Routed
from schemas.verdicts import FailureClass, Verdict
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.tracing import current_traceparent

log = logging.getLogger(__name__)
T = TypeVar("T")

_NEVER: Final = {
    Reason.CONFIGURATION: FailureClass.CONFIGURATION,
    # The payer's bank said no before anything had to be sent: what was brought back says so.
    Reason.AUTHENTICATION_FAILED: FailureClass.DECLINED,
}
"""Who has to act on what can never be sent; of all else the request was wrong."""


class Performer:
    """Takes a claimed command to its provider. Every method answers with a `Step`; none concludes anything."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        caller: Caller,
        publisher: Publisher,
        records: PaymentRecords,
        cards: CardVault | None,
        patience: Patience,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._caller = caller
        self._publisher = publisher
        self._records = records
        self._cards = cards
        self._patience = patience
        self._now = now

    async def call(self, work: Work, call: Call, way: Way, operation: Operation[Any, Any]) -> Step:
        """Send an attempt that was never sent, or that certainly was not performed."""
        integration = way.integration
        card: Card | None = None
        if card_ref_of(work.command) is not None:
            card = await self._open_card(work)
            if card is None:
                detail = "the card was gone from the vault before anything was sent; ask the payer for it again"
                return Refuse(Reason.CARD_EXPIRED, FailureClass.DECLINED, detail, requested=call.amount)
        number = attempt_number(work.claim.attempts, integration.id)
        reference = reference_for(work.command_id, "a", number, integration.connector.reference)
        attempt = Attempt(work.command_id, number, reference, work.payment, call.amount, card, work.resource)
        try:
            prepared = self._caller.prepare(integration, operation, work.command, attempt)
        except NotSent as never:
            # It can never be sent like this; the message says what to do about it.
            reason = Reason(never.reason)
            return Refuse(reason, _NEVER.get(reason, FailureClass.INVALID), str(never), requested=call.amount)
        return await self._send(work, prepared, operation, way.routed)

    async def inquire(self, work: Work, ask: Inquire, integration: Integration, operation: Operation[Any, Any]) -> Step:
        """Find out what became of an attempt that may have been sent."""
        await self._forget_code(work)  # whoever sent it may have died before the answer
        attempt = _asked(work, ask)
        if operation.inquiry is None:
            return await self._absent(work, ask, integration, operation, attempt)
        try:
            finding = await self._caller.inquire(
                integration,
                operation,
                work.command,
                attempt,
                deadline_s=min(operation.inquiry.deadline_s, self._patience.deadline_s),
            )
        except (NotSent, Throttled, OutcomeUnknown) as failed:
            return self._unsettled(work, integration, attempt, f"the provider could not be asked: {failed}")
        match finding.sighting:
            case Sighting.CONCLUDED if finding.outcome is not None and finding.outcome.verdict is not Verdict.UNKNOWN:
                return Decided(finding.outcome, integration, attempt)
            case Sighting.ABSENT:
                return await self._absent(work, ask, integration, operation, attempt)
            case _:
                return self._unsettled(work, integration, attempt, "the provider has not decided")

    async def read(self, integration: Integration, name: str, question: Frozen) -> Frozen | Refusal:
        """The answer to a question that may be kept; raises as `Caller.read`."""
        return await self._caller.read(integration, name, question)

    async def _send(
        self,
        work: Work,
        prepared: Prepared,
        operation: Operation[Any, Any],
        routed: Routed | None,
        *,
        again: bool = False,
    ) -> Step:
        """One send. Whatever goes wrong is sorted into: certainly not performed, or to be asked about.

        With `again` an earlier send of it may have been performed, so that nothing is proved when this one fails. A
        provider may have kept a failure with the request's key and give it again for ever, so that such a send is
        repeated ever more seldom, and ends as unknown when it has been asked about for too long.
        """
        integration, attempt = prepared.integration, prepared.attempt
        sending = Sending(
            work.claim,
            attempt.number,
            integration.id,
            attempt.reference,
            prepared.digest,
            repeatable=again,
            routed=routed,
        )
        marked = False
        try:
            async with self._caller.admission(integration, operation):
                if operation.moves_money:
                    marked = await self._mark(sending, work)
                    if not marked and again:
                        return self._unsettled(work, integration, attempt, "it may not be sent again now")
                    if not marked:
                        # An earlier try may have been stored and its answer lost with the database; nothing left.
                        await self._ledger.mark_not_sent(sending)
                        return Later(0.05)  # the key or the lease is lost: look again
                self._check_lease(work, prepared)
                outcome = await self._answer(work, prepared)
        except (NotSent, Throttled) as not_sent:
            if again:
                return self._unsettled(work, integration, attempt, f"it could not be sent again: {not_sent}")
            if marked and not await insist(lambda: self._ledger.mark_not_sent(sending)):
                return Later(0.05)  # the mark stays, and with it the question: look again
            return Unperformed(integration, attempt, not_sent)
        except OutcomeUnknown as unknown:
            facts = work.facts(integration_id=integration.id, operation=operation.name, why=str(unknown))
            log.warning("outcome unknown, the provider will be asked", extra=facts)
            if operation.moves_money and not again:
                return Later(self._patience.first_wait_s, "outcome unknown")
            return self._unsettled(work, integration, attempt, str(unknown))
        if outcome.verdict is Verdict.UNKNOWN:
            if again or not operation.moves_money:
                return self._unsettled(work, integration, attempt, outcome.detail or "the provider's word is not known")
            return Later(self._patience.first_wait_s, "outcome unknown")
        if again and outcome.failure is FailureClass.CONFIGURATION:
            # Keys and rights are looked at before a repetition is known for one: the first send may have been let in.
            return self._unsettled(work, integration, attempt, f"it was not let in again: {outcome.detail}")
        return Decided(outcome, integration, attempt)

    async def _answer(self, work: Work, prepared: Prepared) -> Outcome:
        """Send, and forget the verification code once it may have been used, whatever comes back."""
        try:
            outcome = await self._caller.send(prepared, deadline_s=self._deadline_s(prepared.operation))
        except OutcomeUnknown:
            await self._forget_code(work)
            raise
        await self._forget_code(work)
        return outcome

    async def _forget_code(self, work: Work) -> None:
        card_ref = card_ref_of(work.command)
        if self._cards is None or card_ref is None:
            return
        try:
            await self._cards.forget_code(card_ref)
        except StoreError as failed:  # the answer counts for more; the sweep deletes the code
            log.warning("a verification code is left to the sweep", extra=work.facts(why=str(failed)))

    async def _mark(self, sending: Sending, work: Work) -> bool:
        """The intent on Kafka and the mark in the ledger, side by side; bytes may leave only when both hold."""
        intent = self._records.intent(
            sending, work.command.key, self._ledger.incarnation, self._now(), current_traceparent()
        )
        async with asyncio.TaskGroup() as both:
            marking = both.create_task(_kept(insist(lambda: self._ledger.mark_sending(sending))))
            writing = both.create_task(_kept(self._written(intent, work)))
        marked, written = marking.result(), writing.result()
        if isinstance(written, Exception):
            # Nothing has left: take the mark back, so that nobody has to ask the provider about it.
            if marked is True:
                await insist(lambda: self._ledger.mark_not_sent(sending))
            raise written
        if isinstance(marked, Exception):
            raise marked
        return marked

    async def _written(self, intent: Outgoing, work: Work) -> None:
        """Publish an intent while there is still time to send, so that its mark can be taken back if Kafka is slow.

        Raises:
            StoreError: it failed, or was not acknowledged in time.
        """
        left_s = work.claim.lease_left_s - self._patience.deadline_s
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                await self._publisher.publish([intent])
        except TimeoutError as late:
            raise StoreError(f"Kafka did not acknowledge an intent within {left_s:.1f} s") from late

    def _deadline_s(self, operation: Operation[Any, Any]) -> float:
        return min(operation.deadline_s, self._patience.deadline_s)

    def _check_lease(self, work: Work, prepared: Prepared) -> None:
        operation = prepared.operation
        if work.claim.lease_left_s < self._deadline_s(operation):
            raise NotSent(
                "the lease would end before the call",
                provider=prepared.integration.connector.name,
                operation=operation.name,
                reason="lease",
            )

    async def _absent(
        self,
        work: Work,
        ask: Inquire,
        integration: Integration,
        operation: Operation[Any, Any],
        attempt: Attempt,
    ) -> Step:
        """The provider does not know the attempt: send it again where it deduplicates, else wait out the window."""
        if ask.resend and card_ref_of(work.command) is None:
            try:
                prepared = self._caller.prepare(integration, operation, work.command, attempt)
            except NotSent as never:  # such as keys that were changed since
                return self._unsettled(work, integration, attempt, f"it cannot be sent again: {never}")
            # Only the very same request is a repetition; code deployed since may have built another one.
            if prepared.digest == ask.attempt.request_digest:
                return await self._send(work, prepared, operation, ask.attempt.routed, again=True)
        age_s = work.claim.sent_age_s or 0.0
        if age_s < operation.absence_window_s:
            return Later(self._patience.wait_s(age_s), "not seen by the provider yet")
        detail = (
            f"sent, and the provider did not know it for {operation.absence_window_s:g} s; it may still appear: "
            "look it up by the references before trying again"
        )
        return Unsettled(detail, integration.id, integration.connector.name, attempt)

    async def nobody_to_ask(self, work: Work, ask: Inquire, provider: str | None, why: str) -> Step:
        """Where it may have been sent nobody can be asked now: that is waited for, and it is never sent elsewhere."""
        await self._forget_code(work)  # as in `inquire`
        sent_to = ask.attempt.integration_id
        told = f"it may have been sent to {sent_to}; {why}"
        return self.unsettled_at(work, sent_to, provider or work.stands.provider or sent_to, _asked(work, ask), told)

    def _unsettled(self, work: Work, integration: Integration, attempt: Attempt, why: str) -> Step:
        return self.unsettled_at(work, integration.id, integration.connector.name, attempt, why)

    def unsettled_at(self, work: Work, integration_id: str, provider: str, attempt: Attempt, why: str) -> Step:
        """Asked again later, until it has been asked for too long."""
        age_s = work.claim.sent_age_s or work.claim.claimed_age_s
        if age_s < self._patience.unknown_after_s:
            return Later(self._patience.wait_s(age_s), why)
        return Unsettled(why, integration_id, provider, attempt)

    async def _open_card(self, work: Work) -> Card | None:
        card_ref = card_ref_of(work.command)
        if self._cards is None or card_ref is None:
            return None
        return await self._cards.open(card_ref, work.claim)


def _asked(work: Work, ask: Inquire) -> Attempt:
    sent = ask.attempt
    return Attempt(work.command_id, sent.number, sent.reference, work.payment, ask.amount, resource=work.resource)


async def _kept(act: Awaitable[T]) -> T | StoreError:
    """A failure as a value, so that two acts side by side both run to their end."""
    try:
        return await act
    except StoreError as failed:
        return failed
