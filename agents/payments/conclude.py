"""From a provider's outcome to the command's one result. Pure: the moment is an argument."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from agents.payments.bank_pages import unfit_page
from agents.payments.decisions import Refuse
from agents.payments.resolve import Propose, Settle
from providers.outcome import Outcome, ProviderState
from schemas.money import Money
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CommandPending,
    CommandRefused,
    CommandUnknown,
    CompleteThreeDSecure,
    CreatePayment,
    LineApproved,
    OutcomeResolved,
    Payment,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCommand,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentReauthorized,
    PaymentRefunded,
    Performed,
    QueryPayment,
    Reason,
    ReauthorizePayment,
    Redirect,
    RefundPayment,
    Result,
    ShareTransferred,
    TakeNotice,
    ThreeDSecureCompleted,
    TransferShare,
)
from schemas.payments.transitions import Change, change_by, concerns_another, given_up
from schemas.personal import SealedPerson
from schemas.routing import Routed
from schemas.verdicts import FailureClass, Verdict

_TAKEN: Final = frozenset({ProviderState.CAPTURED, ProviderState.AUTHORIZED})


class Conclude:
    """Makes the result of one command.

    Args:
        command_id: whose result it is.
        command: what was asked.
        payment: the payment before it.
        amount: what was to be moved.
        attempts: how often something was sent.
        at: the moment of conclusion, UTC.
        payer: of a creation who was to pay, sealed.
        routed: how its integration was chosen, where the command named none.
    """

    def __init__(
        self,
        command_id: UUID,
        command: PaymentCommand,
        payment: Payment,
        *,
        amount: Money | None,
        attempts: int,
        at: datetime,
        payer: SealedPerson | None = None,
        routed: Routed | None = None,
    ) -> None:
        self._command = command
        self._payment = payment
        self._amount = amount
        self._at = at
        self._common: dict[str, Any] = {
            "payment_id": command.payment_id,
            "command_id": command_id,
            "command_type": command.type,
            "concluded_at": at,
            "attempts": attempts,
            "routing": routed,
        }
        self._payer = payer
        self._about = _about(command, payment)

    def refused(self, refusal: Refuse, performed: Performed | None = None) -> CommandRefused:
        """Refused by the hub, before or without any verdict of the provider."""
        return CommandRefused(
            **self._common,
            performed=performed,
            reason=refusal.reason,
            failure=refusal.failure,
            detail=refusal.detail,
            requested=refusal.requested or self._amount,
            payer=self._payer,
        )

    def unknown(
        self,
        detail: str,
        *,
        performed: Performed,
        references: tuple[str, ...],
        first_sent_at: datetime | None,
        their_code: str | None = None,
    ) -> CommandUnknown:
        return CommandUnknown(
            **self._common,
            performed=performed,
            reason=Reason.OUTCOME_UNKNOWN,
            detail=detail,
            requested=self._amount,
            references=references,
            first_sent_at=first_sent_at,
            provider_code=their_code,
            payer=self._payer,
            **self._about,
        )

    def proposed(self, step: Propose) -> CommandPending:
        """A person's word that a second one has to agree to."""
        return CommandPending(
            **self._common, reason=Reason.SECOND_PERSON_NEEDED, requested=step.amount, proposal=step.proposal
        )

    def resolved(self, step: Settle) -> OutcomeResolved:
        """A person's word on an unknown outcome, which holds."""
        payment, of = self._payment, step.of
        performed = None
        if payment.integration_id is not None and payment.provider is not None:
            performed = Performed(
                integration_id=payment.integration_id,
                provider=payment.provider,
                provider_reference=step.provider_reference or payment.provider_reference,
                our_reference=of.reference,
            )
        return OutcomeResolved(
            **self._common,
            performed=performed,
            of_command_id=of.command_id,
            of_command_type=of.command_type,
            outcome=step.outcome,
            effect=step.effect,
            amount=step.amount,
            order_id=of.order_id,
            line_id=of.line_id,
            evidence=step.evidence,
            by=step.by,
            approved_by=step.approved_by,
        )

    def nothing_new(self, notice: TakeNotice) -> PaymentNoticed:
        """What was heard of the payment was known, so that its provider was not asked."""
        return PaymentNoticed(**self._common, **_heard(notice))

    def by_provider(self, outcome: Outcome, performed: Performed, *, payer_has_s: float | None = None) -> Result:
        """The provider's verdict.

        Args:
            payer_has_s: how long the payer has for what is to be done next, in seconds.

        Raises:
            ValueError: the verdict is `unknown`, which concludes nothing by itself.
        """
        match outcome.verdict:
            case Verdict.ACCEPTED:
                return self._accepted(outcome, performed)
            case Verdict.REFUSED:
                return CommandRefused(
                    **self._common,
                    performed=performed,
                    reason=outcome.reason or Reason.OTHER,
                    failure=outcome.failure or FailureClass.DECLINED,
                    detail=outcome.detail or "refused by the provider",
                    requested=self._amount,
                    provider_code=outcome.their_code,
                    provider_group=outcome.their_group,
                    payer=self._payer,
                )
            case Verdict.PENDING:
                return self._pending(outcome, performed, payer_has_s)
            case Verdict.UNKNOWN:
                raise ValueError("an unknown outcome concludes nothing; ask the provider first")

    def _pending(
        self, outcome: Outcome, performed: Performed, payer_has_s: float | None
    ) -> CommandPending | CommandRefused:
        action = outcome.next_action
        if (unfit := unfit_page(action)) is not None:
            return self.refused(unfit, performed)
        return CommandPending(
            **self._common,
            performed=performed,
            reason=outcome.reason or Reason.ACTION_REQUIRED,
            requested=self._amount,
            redirect_url=outcome.redirect_url or (action.url if isinstance(action, Redirect) else None),
            next_action=action,
            deadline=None if payer_has_s is None else self._at + timedelta(seconds=payer_has_s),
            provider_code=outcome.their_code,
            payer=self._payer,
            **self._about,
        )

    def _accepted(self, outcome: Outcome, performed: Performed) -> Result:
        common = {**self._common, "performed": performed}
        command, payment = self._command, self._payment
        match command:
            case CreatePayment():
                return PaymentCreated(
                    **common,
                    order_id=command.order_id,
                    state="captured" if command.capture == "auto" else "authorized",
                    price=_plain(command.price),
                    paid_price=_plain(command.paid_price),
                    instalments=command.instalments,
                    method=command.method.kind,
                    card=outcome.card,
                    lines=outcome.lines,
                    provider_fee=outcome.fee,
                    held_until=outcome.held_until,
                    stored_card=outcome.stored_card,
                    payer=self._payer,
                )
            case CapturePayment():
                amount = self._moved()
                total = amount.with_minor(payment.captured + amount.minor)
                return PaymentCaptured(**common, amount=amount, captured_total=total, lines=outcome.lines)
            case ReauthorizePayment():
                amount, until = self._moved(), outcome.held_until
                return PaymentReauthorized(**common, amount=amount, held_until=until, lines=outcome.lines)
            case CancelPayment():
                effect: Literal["released", "reversed"] = "reversed" if payment.captured else "released"
                return PaymentCancelled(**common, effect=effect, amount=self._moved())
            case RefundPayment():
                amount = self._moved()
                total = amount.with_minor(payment.refunded + amount.minor)
                return PaymentRefunded(**common, amount=amount, refunded_total=total, line_id=command.line_id)
            case QueryPayment():
                state = outcome.state or ProviderState.PENDING
                change = change_by(payment, state.value, outcome.amount, surcharge=outcome.surcharge)
                return PaymentQueried(**common, **_found(outcome, state, change))
            case TakeNotice():
                state = outcome.state or ProviderState.PENDING
                another = concerns_another(
                    payment,
                    integration_id=performed.integration_id,
                    our_reference=command.our_reference,
                    provider_reference=performed.provider_reference,
                )
                # What the payer has done, and the provider has not decided, waits for no payer any more.
                waits = command.cause == "deadline" and not another and outcome.reason is not Reason.UNDER_REVIEW
                over = given_up(payment, state.value, self._at) if waits else None
                change = over or change_by(
                    payment, state.value, outcome.amount, surcharge=outcome.surcharge, another=another
                )
                found = _found(outcome, state, change)
                return PaymentNoticed(**common, **_heard(command), **found, abandoned=over is not None)
            case CompleteThreeDSecure():
                state = outcome.state if outcome.state in _TAKEN else self._wanted()
                change = change_by(payment, state.value, outcome.amount, surcharge=outcome.surcharge)
                return ThreeDSecureCompleted(**common, **_found(outcome, state, change))
            case ApproveLine():
                return LineApproved(**common, line_id=command.line_id, withdrawn=command.withdraw)
            case TransferShare():
                return ShareTransferred(**common, amount=self._moved(), transfer_reference=performed.our_reference)
            case _:
                raise AssertionError("every payment command has a case above")

    def _wanted(self) -> ProviderState:
        """What a completion comes to where the provider says no more than yes."""
        held = self._about.get("capture") == "manual"
        return ProviderState.AUTHORIZED if held else ProviderState.CAPTURED

    def _moved(self) -> Money:
        if self._amount is None:
            raise AssertionError("a command that moves money has its amount worked out before it is sent")
        return _plain(self._amount)


def _about(command: PaymentCommand, payment: Payment) -> dict[str, Any]:
    """What whoever settles an open outcome later has to know of the command."""
    match command:
        case CreatePayment():
            return {"order_id": command.order_id, "capture": command.capture}
        case CompleteThreeDSecure() if payment.open_creation is not None:
            start = payment.open_creation
            return {"order_id": start.order_id, "capture": start.capture}
        case RefundPayment():
            return {"line_id": command.line_id}
        case _:
            return {}


def _heard(command: TakeNotice) -> dict[str, Any]:
    return {
        "cause": command.cause,
        "event_id": command.event_id,
        "said": command.said,
        "customer_key": command.customer_key,
    }


def _found(outcome: Outcome, state: ProviderState, change: Change) -> dict[str, Any]:
    return {
        "provider_state": state.value,
        "paid_price": outcome.amount,
        "instalment_surcharge": outcome.surcharge,
        "lines": outcome.lines,
        "card": outcome.card,
        "stored_card": outcome.stored_card,
        "provider_fee": outcome.fee,
        "held_until": outcome.held_until,
        "payer_agreed": outcome.payer_agreed,
        "changed": change.changed,
        "amount": change.amount,
        "settles": change.settles,
        "contradicts": change.contradicts,
        "detail": change.detail,
    }


def _plain(money: Money) -> Money:
    """As plain `Money`: results do not carry the commands' narrower types."""
    return Money(minor=money.minor, currency=money.currency)
