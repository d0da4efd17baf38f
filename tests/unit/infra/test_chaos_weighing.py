"""Chaos's balance: whatever is lost, doubled, different or out of order must be found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.chaos.evidence import Asked, Evidence, LedgerRow, Told
from infra.chaos.posts import Cause, Moment
from infra.chaos.weighing import Weighed, explain, weigh
from infra.demo.balance import TableTotal
from infra.sandbox.iyzico import BookedPayment, BookedReversal, FaultKind
from schemas.ids import new_id, rejection_id, result_id
from schemas.payments import CommandRejected, PaymentEvent, ResultDivergence
from tests.builders import (
    NOON,
    a_command_refused,
    a_command_unknown,
    a_create_payment,
    a_payment_created,
    a_payment_refunded,
    a_refund_payment,
    lira,
    performed,
)
from tests.provider_books import booked

PAYMENT, DECLINED_PAYMENT = new_id(), new_id()
CREATE, REFUND, DECLINED = new_id(), new_id(), new_id()
WANTED = {CREATE: PAYMENT, REFUND: PAYMENT, DECLINED: DECLINED_PAYMENT}
ASKED = (
    Asked(CREATE, a_create_payment(lira("12.50"), payment_id=PAYMENT), (0, 0)),
    Asked(REFUND, a_refund_payment(PAYMENT, lira("5.00")), (0, 2)),
    Asked(DECLINED, a_create_payment(lira("12.50"), payment_id=DECLINED_PAYMENT), (1, 0)),
)
CREATED = a_payment_created(
    lira("12.50"), payment_id=PAYMENT, command_id=CREATE, performed=performed(our_reference="c1")
)
REFUNDED = a_payment_refunded(
    lira("5.00"), payment_id=PAYMENT, command_id=REFUND, performed=performed(our_reference="r1")
)
REFUSED = a_command_refused(command_id=DECLINED, payment_id=DECLINED_PAYMENT)
BAD = (0, 1)


def told(event: PaymentEvent, place: tuple[int, int], *, event_id: str | None = None, value: bytes = b"") -> Told:
    identifier = event_id or str(result_id(event.command_id))
    return Told(identifier, event, value or event.model_dump_json().encode(), (("ce_id", identifier.encode()),), place)


def rejected(place: tuple[int, int]) -> Told:
    body = CommandRejected(
        command_id=new_id(),
        caused_by=new_id(),
        reason="not_json",
        field="",
        detail="",
        topic="t",
        partition=place[0],
        offset=place[1],
        observed_at=NOON,
    )
    return told(body, (0, 9), event_id=str(rejection_id("t", *place)))


def row(record: Told, *references: str) -> LedgerRow:
    return LedgerRow("concluded", record.value, record.headers, references)


FIRST, SECOND, THIRD = told(CREATED, (3, 0)), told(REFUNDED, (3, 1)), told(REFUSED, (1, 0))
GOOD = Evidence(
    asked=ASKED,
    refused={BAD: True},
    told=(FIRST, SECOND, THIRD, rejected(BAD)),
    dead=frozenset({BAD}),
    ledger={CREATE: row(FIRST, "c1"), REFUND: row(SECOND, "r1"), DECLINED: row(THIRD, "d1")},
    open_keys=0,
    parked=0,
    books=(booked(), booked(conversation_id="d1", error_code="10051", captured_minor=0, reversals=())),
    totals=(TableTotal(PAYMENT, 1250, 500, 750),),
    differences=(),
    audit=None,
    unprojected=0,
)


def weighed(**changed: Any) -> Weighed:
    return weigh(replace(GOOD, **changed), WANTED, [])


def test_a_run_in_which_everything_agrees_has_no_problem() -> None:
    found = weighed()
    assert found.problems == []
    assert (found.results, found.lost, found.charged_twice, found.unknown) == (3, 0, 0, 0)
    assert found.result_ids_per_command_max == 1
    assert found.tables_equal_replay
    assert found.verdicts == {"accepted": 2, "refused": 1}


def test_a_further_copy_of_a_result_is_no_second_result() -> None:
    found = weighed(told=(*GOOD.told, replace(FIRST, place=(3, 7))))
    assert found.problems == []
    assert found.republished == 1


def test_a_command_without_a_result_is_lost() -> None:
    found = weighed(told=(FIRST, THIRD, rejected(BAD)))
    assert found.lost == 1
    assert f"command {REFUND} has no result" in found.problems


@pytest.mark.parametrize(
    "books",
    [
        (booked(), booked(payment_id="22400002", reversals=())),
        (booked(reversals=(*booked().reversals, BookedReversal("71002", "refund", "r1", 500, 3, ()))),),
    ],
    ids=["a charge", "a refund"],
)
def test_what_the_provider_did_twice_is_found(books: tuple[BookedPayment, ...]) -> None:
    assert weighed(books=books).charged_twice >= 1


def test_two_references_of_one_command_are_still_one_command() -> None:
    ledger = GOOD.ledger | {CREATE: row(FIRST, "c1", "c2")}
    books = (booked(), booked(payment_id="22400002", conversation_id="c2", reversals=()))
    assert weighed(ledger=ledger, books=books).charged_twice == 2, "the command twice, and its payment twice"


def test_results_of_one_command_under_two_ids_are_counted() -> None:
    found = weighed(told=(*GOOD.told, told(CREATED, (3, 9), event_id="another")))
    assert found.result_ids_per_command_max == 2
    assert found.problems


PROBLEMS: dict[str, Callable[[], Weighed]] = {
    "results that differ": lambda: weighed(told=(*GOOD.told, replace(FIRST, value=b"{}", place=(3, 9)))),
    "which nobody published": lambda: weigh(GOOD, {CREATE: PAYMENT, REFUND: PAYMENT}, []),
    "is not in the log": lambda: weigh(GOOD, WANTED | {new_id(): PAYMENT}, []),
    "two different results were made": lambda: weighed(told=(*GOOD.told, told(divergence(), (3, 9)))),
    "the ledger does not know": lambda: weighed(ledger={CREATE: row(FIRST, "c1"), REFUND: row(SECOND, "r1")}),
    "as sending": lambda: weighed(ledger=GOOD.ledger | {DECLINED: LedgerRow("sending", None, (), ("d1",))}),
    "another result of": lambda: weighed(ledger=GOOD.ledger | {DECLINED: replace(row(THIRD, "d1"), value=b"{}")}),
    "which is not in the log": lambda: weighed(ledger=GOOD.ledger | {new_id(): row(THIRD)}),
    "keys are still held": lambda: weighed(open_keys=1),
    "still parked": lambda: weighed(parked=1),
    "which the ledger does not know": lambda: weighed(books=(*GOOD.books, booked(conversation_id="x", reversals=()))),
    "the provider has \\[\\]": lambda: weighed(books=()),
    "ended as payments.refused.v1": lambda: weighed(books=(booked(), booked(conversation_id="d1", reversals=()))),
    "the provider has \\[Effect\\(kind='create', minor=999": lambda: weighed(books=(booked(paid_minor=999),)),
    "has no dead letter": lambda: weighed(dead=frozenset()),
    "has no rejection": lambda: weighed(told=(FIRST, SECOND, THIRD)),
    "is good and has a dead letter": lambda: weighed(dead=frozenset({BAD, (0, 0)})),
    "another order": lambda: weighed(
        told=(replace(SECOND, place=(3, 0)), replace(FIRST, place=(3, 1)), *GOOD.told[2:])
    ),
    "payment_totals has": lambda: weighed(totals=()),
    "a rebuild would change": lambda: weighed(differences=("payments: only in live: {}",)),
    "audit chain": lambda: weighed(audit="row 7"),
    "could not be projected": lambda: weighed(unprojected=1),
}


def divergence() -> ResultDivergence:
    return ResultDivergence(
        payment_id=PAYMENT, command_id=CREATE, caused_by=CREATE, observed_at=NOON, kept_digest="a", other_digest="b"
    )


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_thing_that_does_not_agree_is_told(problem: str) -> None:
    found = PROBLEMS[problem]()
    with pytest.raises(AssertionError, match=problem):
        assert found.problems == []


def test_tables_that_a_rebuild_would_change_are_not_equal() -> None:
    assert not weighed(differences=("payments: only in live: {}",)).tables_equal_replay


AT = NOON
UNKNOWN = a_command_unknown(
    command_id=REFUND, payment_id=PAYMENT, command_type="payments.refund.v1", references=("r1",), first_sent_at=AT
)


def moment(cause: Cause, begin_s: float, end_s: float, *faults: FaultKind, who: str = "worker-1") -> Moment:
    begin, end = (AT + timedelta(seconds=seconds) for seconds in (begin_s, end_s))
    return Moment(cause, who, begin, end, frozenset(faults))


@pytest.mark.parametrize(
    ("done", "moments", "why"),
    [
        (1, [], "performed once"),
        (2, [moment(Cause.KILLED, 0, 0)], None),
        (0, [], None),
        (0, [moment(Cause.KILLED, 2, 2)], "killed"),
        (0, [moment(Cause.KILLED, 2, 2, who="projector")], None),
        (0, [moment(Cause.KILLED, 6, 6)], None),
        (0, [moment(Cause.KILLED, -2, -2)], None),
        (0, [moment(Cause.FROZEN, 1, 12)], "frozen"),
        (0, [moment(Cause.FROZEN, -5, 6)], None),
        (0, [moment(Cause.DATABASE, -3, 3)], "database"),
        (0, [moment(Cause.PROVIDER, -3, 3, FaultKind.RESET_BEFORE, who="sandbox")], "provider"),
        (0, [moment(Cause.PROVIDER, -3, 3, FaultKind.RESET_AFTER, who="sandbox")], None),
    ],
)
def test_an_unknown_outcome_needs_a_reason(done: int, moments: list[Moment], why: str | None) -> None:
    assert explain(UNKNOWN, done, moments) == why


def test_an_unknown_outcome_that_was_performed_is_counted_as_explained() -> None:
    second = told(UNKNOWN, (3, 1))
    found = weighed(
        told=(FIRST, second, THIRD, rejected(BAD)),
        ledger=GOOD.ledger | {REFUND: row(second, "r1")},
        totals=(TableTotal(PAYMENT, 1250, 0, 1250),),
    )
    assert found.problems == []
    assert (found.unknown, found.unknown_explained) == (1, 1)


def test_an_unknown_outcome_that_nothing_explains_is_a_problem() -> None:
    second = told(UNKNOWN, (3, 1))
    found = weighed(
        told=(FIRST, second, THIRD, rejected(BAD)),
        ledger=GOOD.ledger | {REFUND: row(second, "r1")},
        books=(booked(reversals=()),),
        totals=(TableTotal(PAYMENT, 1250, 0, 1250),),
    )
    assert (found.unknown, found.unknown_explained) == (1, 0)
    assert any("nothing explains it" in problem for problem in found.problems)
