"""A payment that failed is made anew under the same id: nothing of the first attempt is taken for the second's."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.payments.execute import Executor
from agents.payments.work import Decided, Patience, Step, Unsettled, Work
from providers.connector import Attempt
from providers.outcome import Outcome
from schemas.ids import new_id
from schemas.payments import CommandUnknown, CompleteThreeDSecure, Payment, Result
from schemas.payments.transitions import concerns_another
from schemas.verdicts import FailureClass, Verdict
from tests.builders import (
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_payment_created,
    a_payment_queried,
    a_start_pending,
    performed,
)
from tests.unit.agents.works import INTEGRATIONS, a_work, places


def failed_before(payment: Payment) -> Payment:
    """Its page was never paid on; the provider called it `page-1`."""
    waits = a_command_pending(payment_id=payment.payment_id, performed=performed(provider_reference="page-1"))
    over = a_payment_queried(payment_id=payment.payment_id, provider_state="failed", changed="failed", settles=True)
    return payment.after(waits).after(over)


async def told(step: Step, payment: Payment, work: Work) -> Any:
    """The result of a creation that came to `step`."""
    results: list[Result] = []

    class Provider:
        async def call(self, *_: object) -> Step:
            return step

    class Results:
        async def finish(self, _: object, result: Result, __: object) -> None:
            results.append(result)

    unused: Any = None
    executor = Executor(
        performer=Provider(),  # type: ignore[arg-type]
        finisher=Results(),  # type: ignore[arg-type]
        rejections=unused,
        lot=unused,
        places=places(),
        completions=unused,
        subjects=None,
        patience=Patience(),
        resolve_alone_minor=0,
        now=lambda: datetime.now(UTC),
    )
    assert await executor.step(replace(work, payment=payment)) is None
    (result,) = results
    return result


async def test_a_second_creation_without_an_answer_is_not_asked_about_by_the_first_one_s_name() -> None:
    work = a_work()
    payment = failed_before(work.payment)
    assert (payment.stage, payment.provider_reference) == ("new", "page-1")
    attempt = Attempt(work.command_id, 1, "second-1", payment)
    result = await told(Unsettled("no answer", "a", "iyzico", attempt), payment, work)
    assert isinstance(result, CommandUnknown)
    after = payment.after(result)
    # A query by `page-1` would find that one failed, and let a third creation take the money again.
    assert (after.stage, after.provider_reference, after.create_reference) == ("unsettled", None, "second-1")


@pytest.mark.parametrize("verdict", [Verdict.PENDING, Verdict.ACCEPTED, Verdict.REFUSED])
async def test_a_second_creation_that_the_provider_does_not_name_has_no_name(verdict: Verdict) -> None:
    work = a_work()
    payment = failed_before(work.payment)
    failure = FailureClass.DECLINED if verdict is Verdict.REFUSED else None
    outcome = Outcome(verdict=verdict, failure=failure)
    decided = Decided(outcome, INTEGRATIONS["a"], Attempt(work.command_id, 1, "second-1", payment))
    result = await told(decided, payment, work)
    assert result.performed.provider_reference is None


@pytest.mark.parametrize("begun", [a_start_pending, a_payment_created, a_command_unknown])
def test_a_word_on_the_first_one_s_completion_is_about_another_attempt_than_the_second(begun: Any) -> None:
    payment = Payment(payment_id=new_id()).after(a_start_pending(performed=performed(our_reference="start-1")))
    declined = performed(our_reference="complete-1")
    payment = payment.after(a_command_refused(command_type=CompleteThreeDSecure.type, performed=declined))
    payment = payment.after(begun(performed=performed(our_reference="start-2", provider_reference=None)))

    def is_another(our_reference: str) -> bool:
        names = {"integration_id": None, "provider_reference": None}
        return concerns_another(payment, our_reference=our_reference, **names)

    assert [is_another(name) for name in ("start-1", "complete-1", "start-2")] == [True, True, False]
