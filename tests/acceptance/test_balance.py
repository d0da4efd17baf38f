"""The demo's check of the books against each other: it must fail when anything is missing, doubled or different."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from infra.demo.balance import Balance, TableTotal, balance
from infra.sandbox.iyzico import BookedPayment
from schemas.ids import new_id
from schemas.payments import CompleteThreeDSecure, PaymentCreated, PaymentRefunded, Result
from tests.builders import (
    NOON,
    a_command_refused,
    a_command_unknown,
    a_payment_cancelled,
    a_payment_captured,
    a_payment_created,
    a_payment_refunded,
    a_start_pending,
    a_three_d_secure_completed,
    lira,
    performed,
)
from tests.provider_books import booked, reversal

PAYMENT = new_id()
CREATE, REFUND, DECLINED = new_id(), new_id(), new_id()
COMMANDS = {CREATE: PAYMENT, REFUND: PAYMENT, DECLINED: new_id()}


def created(**changed: Any) -> PaymentCreated:
    own = {"payment_id": PAYMENT, "command_id": CREATE, "performed": performed(our_reference="c1")}
    return a_payment_created(lira("12.50"), **(own | changed))


def refunded(**changed: Any) -> PaymentRefunded:
    own = {"payment_id": PAYMENT, "command_id": REFUND, "performed": performed(our_reference="r1")}
    return a_payment_refunded(lira("5.00"), **(own | changed))


REFUSED = a_command_refused(command_id=DECLINED, payment_id=COMMANDS[DECLINED])
RESULTS: tuple[Result, ...] = (created(), refunded(), REFUSED)


KILLED_AT = NOON + timedelta(hours=1)
DECLINE = booked(payment_id="22400002", conversation_id="d1", error_code="10051", captured_minor=0, reversals=())
BOOKS = (booked(), DECLINE)
TABLE = (TableTotal(PAYMENT, 1250, 500, 750),)


def weigh(
    *,
    commands: dict[UUID, UUID] | None = None,
    results: Sequence[Result] = RESULTS,
    books: Sequence[BookedPayment] = BOOKS,
    table: Sequence[TableTotal] = TABLE,
    killed_at: datetime = KILLED_AT,
) -> Balance:
    return balance(COMMANDS if commands is None else commands, results, books, table, killed_at)


def test_books_that_agree_have_no_problem() -> None:
    found = weigh()
    assert found.problems == []
    assert (found.results, found.lost, found.charged_twice, found.unknown) == (3, 0, 0, 0)
    assert found.verdicts == {"accepted": 2, "refused": 1}


def test_a_command_without_a_result_is_lost() -> None:
    assert weigh(commands=COMMANDS | {new_id(): new_id()}).lost == 1


def test_two_different_results_of_one_command_are_told() -> None:
    found = weigh(results=(*RESULTS, a_command_refused(command_id=CREATE, payment_id=PAYMENT)))
    assert found.problems == [f"command {CREATE} has 2 different results"]


def test_a_result_that_nobody_asked_for_is_told() -> None:
    stranger = a_command_refused()
    (problem,) = weigh(results=(*RESULTS, stranger)).problems
    assert problem == f"result for {stranger.command_id}, which nobody published"


def test_a_charge_that_no_result_tells_of_is_told() -> None:
    extra = booked(payment_id="22400009", conversation_id="c9", reversals=())
    (problem,) = weigh(books=(*BOOKS, extra)).problems
    assert problem == "the provider has payment 22400009, which no result tells of"


def test_a_declined_charge_needs_no_result_in_the_books() -> None:
    assert weigh(books=(*BOOKS, replace(DECLINE, payment_id="22400010", conversation_id="d2"))).problems == []


def test_one_reference_charged_twice_is_counted() -> None:
    assert weigh(books=(*BOOKS, booked(payment_id="22400009", reversals=()))).charged_twice >= 1


def test_one_payment_charged_under_two_references_is_counted() -> None:
    again = created(command_id=new_id(), performed=performed(our_reference="c2"))
    commands = COMMANDS | {again.command_id: PAYMENT}
    second = booked(payment_id="22400009", conversation_id="c2", reversals=())
    found = weigh(commands=commands, results=(*RESULTS, again), books=(*BOOKS, second))
    assert found.charged_twice == 1


def test_one_refund_made_twice_is_counted() -> None:
    found = weigh(books=(booked(reversals=(reversal(), reversal())), DECLINE))
    assert found.charged_twice == 1
    assert "1000 refunded" in found.problems[0]


def test_a_charge_of_another_amount_is_told() -> None:
    (problem,) = weigh(books=(booked(captured_minor=1249), DECLINE)).problems
    assert "the provider has 1249 charged" in problem


def test_a_refund_that_the_provider_does_not_have_is_told() -> None:
    (problem,) = weigh(books=(booked(reversals=()), DECLINE)).problems
    assert "0 refunded" in problem


def test_a_cancel_that_only_the_provider_has_is_told() -> None:
    (problem,) = weigh(books=(booked(cancelled_ms=3), DECLINE)).problems
    assert "cancelled True" in problem


def test_a_cancel_that_only_the_events_have_is_told() -> None:
    cancel = a_payment_cancelled(command_id=new_id(), payment_id=PAYMENT)
    commands = COMMANDS | {cancel.command_id: PAYMENT}
    told = weigh(commands=commands, results=(*RESULTS, cancel), table=(TableTotal(PAYMENT, 1250, 500, 0),)).problems
    assert len(told) == 1
    assert "cancelled False; the events have 1250, 500, True" in told[0]


def test_a_capture_is_compared_with_what_the_provider_took() -> None:
    held = created(state="authorized")
    capture = a_payment_captured(lira("10.00"), command_id=REFUND, payment_id=PAYMENT)
    taken = booked(kind="preauth", captured_minor=1000, capture_conversation_id="k1", reversals=())
    table = (TableTotal(PAYMENT, 1000, 0, 1000),)
    assert weigh(results=(held, capture, REFUSED), books=(taken, DECLINE), table=table).problems == []
    more = replace(taken, captured_minor=1250)
    (problem,) = weigh(results=(held, capture, REFUSED), books=(more, DECLINE), table=table).problems
    assert "the provider has 1250 charged" in problem


def test_an_accepted_charge_that_the_provider_does_not_have_is_told() -> None:
    (problem,) = weigh(books=(DECLINE,)).problems
    assert problem == f"result of {CREATE} tells of a payment that the provider does not have"


def test_an_unknown_outcome_is_explained_only_by_the_providers_books() -> None:
    unknown = a_command_unknown(command_id=DECLINED, payment_id=COMMANDS[DECLINED], references=("u1",))
    results = (created(), refunded(), unknown)
    found = weigh(results=results)
    assert (found.unknown, found.unknown_explained) == (1, 0)
    late = booked(payment_id="22400009", conversation_id="u1", reversals=())
    found = weigh(results=results, books=(*BOOKS, late))
    assert (found.unknown, found.unknown_explained, found.problems) == (1, 1, [])
    twice = replace(late, payment_id="22400010")
    found = weigh(results=results, books=(*BOOKS, late, twice))
    assert (found.charged_twice, found.unknown_explained) == (1, 0)


def in_two_steps(**completed: Any) -> tuple[Result, ...]:
    started = a_start_pending(payment_id=PAYMENT, command_id=CREATE, performed=performed(our_reference="c1"))
    names = {"payment_id": PAYMENT, "command_id": DECLINED, "performed": performed(our_reference="c2")}
    return started, a_three_d_secure_completed(lira("12.50"), **names, **completed), refunded()


def test_a_payment_in_two_steps_is_known_by_its_start() -> None:
    commands = COMMANDS | {DECLINED: PAYMENT}
    assert weigh(commands=commands, results=in_two_steps()).problems == []
    assert weigh(commands=commands, results=in_two_steps(), books=(booked(captured_minor=0),)).problems != []
    assert weigh(commands=commands, results=in_two_steps(), books=()).problems != []


def test_an_unknown_completion_is_explained_by_the_charge_of_its_start() -> None:
    unknown = a_command_unknown(
        command_id=DECLINED, payment_id=PAYMENT, command_type=CompleteThreeDSecure.type, references=("c2",)
    )
    results = (in_two_steps()[0], unknown)
    table: tuple[TableTotal, ...] = ()
    books = (booked(reversals=()),)
    assert weigh(results=results, books=books, table=table).unknown_explained == 1
    assert weigh(results=results, books=books, table=table).problems == []
    assert weigh(results=results, books=(), table=table).unknown_explained == 0


def test_what_a_kill_cut_off_is_explained_by_its_moment_alone() -> None:
    marked = a_command_unknown(
        command_id=DECLINED, payment_id=COMMANDS[DECLINED], references=("u1",), first_sent_at=KILLED_AT
    )
    for sent_s, explained in ((0, 1), (-5, 1), (-5.001, 0), (0.001, 0)):
        cut = marked.model_copy(update={"first_sent_at": KILLED_AT + timedelta(seconds=sent_s)})
        assert weigh(results=(created(), refunded(), cut)).unknown_explained == explained


def test_a_table_that_lacks_a_payment_is_told() -> None:
    (problem,) = weigh(table=()).problems
    assert problem.startswith(f"payment {PAYMENT}: payment_totals has 0 captured")


def test_a_table_with_another_amount_is_told() -> None:
    for wrong in (replace(TABLE[0], captured=1251), replace(TABLE[0], refunded=499), replace(TABLE[0], net=749)):
        assert len(weigh(table=(wrong,)).problems) == 1


def test_a_payment_that_only_the_table_has_is_told() -> None:
    stranger = TableTotal(new_id(), 100, 0, 100)
    (problem,) = weigh(table=(*TABLE, stranger)).problems
    assert problem == f"payment_totals has {stranger.payment_id}, which no event tells of"
