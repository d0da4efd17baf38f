"""What a person's word on an unknown outcome comes to: pure, as all decisions are."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

from agents.payments.decisions import Refuse
from agents.payments.refusals import amount_of
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    OpenCommand,
    Payment,
    Reason,
    RefundPayment,
    ResolutionProposal,
    ResolveOutcome,
    TransferShare,
)
from schemas.payments.creations import OF_A_CREATION
from schemas.verdicts import FailureClass

Effect = Literal["authorized", "captured", "released", "reversed", "refunded", "transferred"]


@dataclass(frozen=True, slots=True)
class Settle:
    """It holds from now on. `effect` is what the command did; `None` when it never happened."""

    of: OpenCommand
    outcome: Literal["accepted", "refused"]
    effect: Effect | None
    amount: Money | None
    provider_reference: str | None
    evidence: str
    by: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Propose:
    """A second person has to agree."""

    proposal: ResolutionProposal
    amount: Money | None


def resolve(command: ResolveOutcome, payment: Payment, *, alone_minor: int) -> Settle | Propose | Refuse:
    """What to make of a person's word.

    Args:
        command: what was said.
        payment: the payment as it stands.
        alone_minor: what one person may settle at most, in minor units of the payment's currency.
    """
    known = payment.open_command(command.of_command_id)
    if known is None or not _is_for_a_person(known):
        return _not_unknown(command, payment, known)
    known = _as_begun(known, payment)
    known = known.model_copy(update={"capture": known.capture or command.capture})
    told = _amount(known, payment)
    amount = told or (None if command.amount is None else _plain(command.amount))
    refusal = _unfit(command, payment, known, amount)
    if refusal is not None:
        return refusal
    if command.approves:
        return _approved(command, payment, known, amount)
    # An amount that only this person tells may be any.
    if told is None or told.minor > alone_minor:
        said = ResolutionProposal(
            of_command_id=command.of_command_id,
            verdict=command.verdict,
            provider_reference=command.provider_reference,
            amount=amount,
            capture=known.capture,
            by=command.by,
            evidence=command.evidence,
        )
        return Propose(said, amount)
    return _settle(command, payment, known, amount)


def _is_for_a_person(known: OpenCommand) -> bool:
    """Of a payment that waits a query or a call tells the end, of a capture or a refund that waits neither does."""
    return known.verdict == "unknown" or known.command_type not in OF_A_CREATION


def _as_begun(known: OpenCommand, payment: Payment) -> OpenCommand:
    """A completion with what its start asked for, as far as it does not know it any more."""
    start = payment.open_creation
    if known.command_type != CompleteThreeDSecure.type or start is None:
        return known
    asked = {name: getattr(known, name) or getattr(start, name) for name in ("amount", "order_id", "capture")}
    return known.model_copy(update=asked)


def _unfit(command: ResolveOutcome, payment: Payment, known: OpenCommand, amount: Money | None) -> Refuse | None:
    """Why what was said cannot hold of this command; `None` when it can."""
    if command.amount is not None and amount is not None and not _same(command.amount, amount):
        return _refuse(
            Reason.AMOUNT_DIFFERS, f"the command was to move {amount}; an outcome is of that amount or none", amount
        )
    if command.verdict == "refused":
        return None
    if amount is None:
        return _refuse(Reason.INVALID_AMOUNT, "amount is missing: the hub does not know any more what was to be moved")
    if known.command_type not in OF_A_CREATION:
        return None
    if known.capture is None:
        detail = "capture is missing: the hub does not know any more whether it was taken (auto) or held (manual)"
        return _refuse(Reason.INVALID_REQUEST, detail, amount)
    if command.provider_reference is None and payment.provider_reference is None:
        detail = "provider_reference is missing: a payment that was made is called by the provider's own id afterwards"
        return _refuse(Reason.INVALID_REQUEST, detail, amount)
    return None


def _approved(command: ResolveOutcome, payment: Payment, known: OpenCommand, amount: Money | None) -> Settle | Refuse:
    said = payment.proposal(command.of_command_id)
    if said is None:
        return _refuse(Reason.INVALID_STATE, "nothing was proposed that could be approved; propose it first", amount)
    if _name(said.by) == _name(command.by):
        return _refuse(Reason.SAME_PERSON, f"{said.by} proposed it; another person has to approve", amount)
    mine = (command.verdict, command.provider_reference, amount, known.capture)
    if (said.verdict, said.provider_reference, said.amount, said.capture) != mine:
        detail = f"{said.by} proposed {said.verdict}, {said.amount}, reference {said.provider_reference}; this differs"
        return _refuse(Reason.PROPOSAL_DIFFERS, detail, amount)
    return _settle(command, payment, known, amount, proposal=said)


def _settle(
    command: ResolveOutcome,
    payment: Payment,
    known: OpenCommand,
    amount: Money | None,
    proposal: ResolutionProposal | None = None,
) -> Settle:
    return Settle(
        known,
        command.verdict,
        _effect(known, payment) if command.verdict == "accepted" else None,
        amount,
        command.provider_reference,
        command.evidence if proposal is None else proposal.evidence,
        command.by if proposal is None else proposal.by,
        None if proposal is None else command.by,
    )


def _amount(known: OpenCommand, payment: Payment) -> Money | None:
    moved = known.amount
    if known.command_type == CancelPayment.type:
        # All that is there, however much it was thought to be.
        moved = amount_of(CancelPayment(payment_id=payment.payment_id), payment) or moved
    return None if moved is None else _plain(moved)


def _effect(known: OpenCommand, payment: Payment) -> Effect:
    if known.command_type in OF_A_CREATION:
        return "authorized" if known.capture == "manual" else "captured"
    match known.command_type:
        case CapturePayment.type:
            return "captured"
        case CancelPayment.type:
            return "reversed" if payment.captured else "released"
        case RefundPayment.type:
            return "refunded"
        case TransferShare.type:
            return "transferred"
        case _:
            raise AssertionError(f"{known.command_type} moves nothing, so that its outcome never stays open")


def _not_unknown(command: ResolveOutcome, payment: Payment, known: OpenCommand | None) -> Refuse:
    if command.of_command_id in payment.resolved:
        return _refuse(Reason.ALREADY_RESOLVED, "somebody has settled this command's outcome already")
    if known is not None:
        return _refuse(Reason.NOT_UNKNOWN, "the payment waits for its payer or its provider; query it")
    return _refuse(Reason.NOT_UNKNOWN, "of_command_id is no command of this payment whose outcome is unknown")


def _plain(money: Money) -> Money:
    """Without the narrower type of a command's field, by which equal amounts would differ."""
    return Money(minor=money.minor, currency=money.currency)


def _same(one: Money, other: Money) -> bool:
    return (one.minor, one.currency) == (other.minor, other.currency)


def _name(text: str) -> str:
    """As names are compared: whoever writes it with other blanks or capitals is the same person."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _refuse(reason: Reason, detail: str, requested: Money | None = None) -> Refuse:
    return Refuse(reason, FailureClass.STATE, detail, requested=requested)
