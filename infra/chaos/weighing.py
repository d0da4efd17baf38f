"""Whether the promise held: the log, the ledger, the provider's books and the tables against each other. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from infra.chaos.evidence import Asked, Evidence, Told
from infra.chaos.posts import Cause, Moment
from infra.demo.balance import table_problems, told_money
from infra.sandbox.iyzico import BookedPayment, FaultKind
from schemas.payments import (
    CommandPending,
    CommandRejected,
    CommandUnknown,
    LateOutcome,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentFact,
    PaymentRefunded,
    Result,
    ResultDivergence,
)

BEFORE: Final = timedelta(seconds=5)
"""How long before it was cut off a worker can have marked what it did not send: one call's deadline and a second."""
AFTER: Final = timedelta(seconds=1)
_UNPERFORMED: Final = frozenset({FaultKind.RESET_BEFORE, FaultKind.ERROR_BEFORE, FaultKind.BANK_TIMEOUT_BEFORE})
"""What the provider answers, or not, without having performed anything; nobody outside can tell."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One movement of money in the provider's books."""

    kind: str
    minor: int


@dataclass(slots=True)
class Weighed:
    """What was found. `problems` is empty when everything agrees."""

    results: int = 0
    lost: int = 0
    charged_twice: int = 0
    result_ids_per_command_max: int = 0
    unknown: int = 0
    unknown_explained: int = 0
    explanations: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    republished: int = 0
    late_outcomes: int = 0
    tables_equal_replay: bool = True
    problems: list[str] = field(default_factory=list)


def weigh(evidence: Evidence, wanted: Mapping[UUID, UUID], moments: Sequence[Moment]) -> Weighed:
    """Compare everything with everything.

    Args:
        wanted: every command that was published and its payment.
        moments: what happened during the run, for what nobody can know.
    """
    found = Weighed()
    results = _results(evidence.told)
    first: dict[UUID, Result] = {command: copies[0][1] for command, copies in results.items()}
    found.results = len(first)
    found.lost = sum(command not in first for command in wanted)
    found.verdicts = Counter(result.verdict for result in first.values())
    found.republished = sum(len(copies) - 1 for copies in results.values())
    found.late_outcomes = sum(isinstance(told.event, LateOutcome) for told in evidence.told)
    _compare_ids(found, evidence, wanted, results)
    _compare_with_ledger(found, evidence, results)
    _compare_with_books(found, evidence, first, moments)
    _compare_refused(found, evidence)
    _compare_order(found, evidence.asked, results)
    _compare_tables(found, evidence, first)
    return found


def _results(told: Sequence[Told]) -> dict[UUID, list[tuple[Told, Result]]]:
    """Each command's results in the order of the log, further copies included."""
    results: dict[UUID, list[tuple[Told, Result]]] = {}
    for record in told:
        event = record.event
        if not isinstance(event, PaymentFact):
            results.setdefault(event.command_id, []).append((record, event))
    return results


def _compare_ids(
    found: Weighed,
    evidence: Evidence,
    wanted: Mapping[UUID, UUID],
    results: Mapping[UUID, Sequence[tuple[Told, Result]]],
) -> None:
    for command, copies in results.items():
        ids = {told.event_id for told, _ in copies}
        found.result_ids_per_command_max = max(found.result_ids_per_command_max, len(ids))
        if len({(told.event_id, told.value, told.headers) for told, _ in copies}) > 1:
            found.problems.append(f"command {command} has results that differ")
        if command not in wanted:
            found.problems.append(f"there is a result for {command}, which nobody published")
    logged = {asked.command_id for asked in evidence.asked}
    found.problems += [f"command {command} was published and is not in the log" for command in wanted.keys() - logged]
    found.problems += [f"command {command} has no result" for command in wanted.keys() - results.keys()]
    found.problems += [
        f"two different results were made for {told.event.command_id}"
        for told in evidence.told
        if isinstance(told.event, ResultDivergence)
    ]


def _compare_with_ledger(
    found: Weighed, evidence: Evidence, results: Mapping[UUID, Sequence[tuple[Told, Result]]]
) -> None:
    for asked in evidence.asked:
        row = evidence.ledger.get(asked.command_id)
        if row is None:
            found.problems.append(f"the ledger does not know command {asked.command_id}")
            continue
        if row.state != "concluded":
            found.problems.append(f"the ledger has command {asked.command_id} as {row.state}")
            continue
        told = results.get(asked.command_id)
        if told is not None and (told[0][0].value, told[0][0].headers) != (row.value, row.headers):
            found.problems.append(f"the ledger has another result of {asked.command_id} than the log")
    strangers = evidence.ledger.keys() - {asked.command_id for asked in evidence.asked}
    found.problems += [f"the ledger has command {command}, which is not in the log" for command in strangers]
    if evidence.open_keys:
        found.problems.append(f"{evidence.open_keys} keys are still held")
    if evidence.parked:
        found.problems.append(f"{evidence.parked} commands are still parked")


def _compare_with_books(
    found: Weighed, evidence: Evidence, first: Mapping[UUID, Result], moments: Sequence[Moment]
) -> None:
    owners = {reference: command for command, row in evidence.ledger.items() for reference in row.references}
    payments = {asked.command_id: asked.command.payment_id for asked in evidence.asked}
    effects: defaultdict[UUID, list[Effect]] = defaultdict(list)
    creations: Counter[UUID] = Counter()
    for reference, effect in _effects(evidence.books):
        owner = owners.get(reference or "")
        if owner is None:
            found.problems.append(f"the provider performed {effect} for {reference}, which the ledger does not know")
            continue
        effects[owner].append(effect)
        if effect.kind == "create" and owner in payments:
            creations[payments[owner]] += 1
    for command, done in effects.items():
        if len(done) > 1:
            found.charged_twice += len(done) - 1
            found.problems.append(f"command {command} was performed {len(done)} times: {done}")
    for payment, count in creations.items():
        if count > 1:
            found.charged_twice += count - 1
            found.problems.append(f"payment {payment} was taken {count} times")
    for command, result in first.items():
        _compare_effects(found, command, result, effects[command], moments)


def _effects(books: Sequence[BookedPayment]) -> Iterator[tuple[str | None, Effect]]:
    """What the provider did, under the reference that it was asked by."""
    for payment in books:
        if payment.state in {"declined", "rejected", "started"}:
            continue
        yield payment.conversation_id, Effect("create", payment.paid_minor)
        if payment.capture_conversation_id is not None:
            yield payment.capture_conversation_id, Effect("capture", payment.captured_minor)
        for reversal in payment.reversals:
            yield reversal.conversation_id, Effect("reversal", reversal.amount_minor)


def _compare_effects(
    found: Weighed, command: UUID, result: Result, done: Sequence[Effect], moments: Sequence[Moment]
) -> None:
    match result:
        case PaymentCreated():
            wanted = [Effect("create", result.paid_price.minor)]
        case PaymentCaptured():
            wanted = [Effect("capture", result.amount.minor)]
        case PaymentCancelled() | PaymentRefunded():
            wanted = [Effect("reversal", result.amount.minor)]
        case CommandUnknown():
            found.unknown += 1
            why = explain(result, len(done), moments)
            if why is None:
                found.problems.append(f"command {command} is unknown, and nothing explains it; in the books: {done}")
            else:
                found.unknown_explained += 1
                found.explanations[why] += 1
            return
        case CommandPending():
            return
        case _:
            wanted = []
    if list(done) != wanted:
        found.problems.append(f"command {command} ended as {result.type} {wanted}, the provider has {list(done)}")


def explain(result: CommandUnknown, performed: int, moments: Sequence[Moment]) -> str | None:
    """Why nobody can know; `None` when somebody could have."""
    if performed == 1:
        return "performed once"
    at = result.first_sent_at
    if performed or at is None:
        return None
    causes = [moment for moment in moments if _cut_off(moment, at)]
    # Where several can have done it, the one that began nearest to the mark is named.
    return min(causes, key=lambda moment: abs(moment.begin - at)).cause if causes else None


def _cut_off(moment: Moment, at: datetime) -> bool:
    """Whether what was marked at `at` may have been kept by `moment` from being sent, or from being performed."""
    match moment.cause:
        case Cause.KILLED | Cause.ENDED | Cause.STOPPED | Cause.FROZEN if not moment.who.startswith("worker"):
            return False
        case Cause.PROVIDER if not moment.faults & _UNPERFORMED:
            return False
        case Cause.FROZEN:
            # What a sleeping worker had marked it marked before it fell asleep.
            ends = moment.begin
        case _:
            ends = moment.end
    return moment.begin - BEFORE <= at <= ends + AFTER


def _compare_refused(found: Weighed, evidence: Evidence) -> None:
    """Each record that nobody can take is one dead letter, and a rejection where its own id can be read."""
    rejected = {
        (told.event.partition, told.event.offset) for told in evidence.told if isinstance(told.event, CommandRejected)
    }
    with_id = {place for place, has_id in evidence.refused.items() if has_id}
    for what, wanted, there in (
        ("dead letter", evidence.refused.keys(), evidence.dead),
        ("rejection", with_id, rejected),
    ):
        found.problems += [f"the record at {place} has no {what}" for place in sorted(wanted - there)]
        found.problems += [f"the record at {place} is good and has a {what}" for place in sorted(there - wanted)]


def _compare_order(
    found: Weighed, asked: Sequence[Asked], results: Mapping[UUID, Sequence[tuple[Told, Result]]]
) -> None:
    wanted: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for one in asked:
        if one.command_id in results:
            wanted[one.command.payment_id].append(one.command_id)
    for payment, commands in wanted.items():
        places = [results[command][0][0].place for command in commands]
        if places != sorted(places) or len({partition for partition, _ in places}) > 1:
            found.problems.append(f"payment {payment}: its results stand in another order than its commands: {places}")


def _compare_tables(found: Weighed, evidence: Evidence, first: Mapping[UUID, Result]) -> None:
    found.problems += table_problems(told_money(list(first.values())), evidence.totals)
    found.tables_equal_replay = not evidence.differences
    found.problems += [f"a rebuild would change {difference}" for difference in evidence.differences]
    if evidence.audit is not None:
        found.problems.append(f"the audit chain breaks: {evidence.audit}")
    if evidence.unprojected:
        found.problems.append(f"{evidence.unprojected} of the hub's own records could not be projected")
