"""PayTR's numbers and words of refusal: each has its meaning, and what was never met is neither yes nor no."""

import pytest

from providers.outcome import Outcome
from providers.payments.paytr.direct import DirectReply, read_failed
from providers.payments.paytr.errors import FAILED, REFUND, TRANSFER, refused_by_number, refused_in_words
from schemas.payments import Reason
from schemas.payments.resources import KeptCards
from schemas.verdicts import FailureClass, Verdict
from tests.conformance.samples import samples


@pytest.mark.parametrize("table", [REFUND, TRANSFER], ids=["refund", "transfer"])
def test_every_documented_number_is_a_refusal_that_says_what_to_do(table: dict[str, object]) -> None:
    for number in table:
        outcome = refused_by_number(REFUND if table is REFUND else TRANSFER, number)
        assert (outcome.verdict, outcome.their_code) == (Verdict.REFUSED, number)
        assert outcome.failure in {FailureClass.STATE, FailureClass.INVALID, FailureClass.CONFIGURATION}
        assert outcome.detail


@pytest.mark.parametrize("number", [None, "", "0", "0010", "NEVER_MET", "-1"])
def test_a_number_that_was_never_met_has_to_be_asked_about(number: str | None) -> None:
    assert refused_by_number(REFUND, number).verdict is Verdict.UNKNOWN
    assert refused_by_number(TRANSFER, number).verdict is Verdict.UNKNOWN


def test_a_transfer_that_was_seen_before_may_be_our_own() -> None:
    assert refused_by_number(TRANSFER, "009").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("code", ["0", "1", "2", "3", "6", "8", "9", "10", "11", "99"])
def test_every_reason_of_a_failed_card_payment_is_known(code: str) -> None:
    outcome = read_failed(DirectReply(status="failed", try_again=False, failed_reason_code=code))
    assert (outcome.verdict, outcome.their_code) == (Verdict.REFUSED, code)
    assert (outcome.reason, outcome.failure, outcome.detail) == FAILED[code]


def test_texts_are_read_for_the_name_of_the_signature_alone() -> None:
    assert refused_in_words("paytr_token gonderilmedi veya gecersiz").reason is Reason.INVALID_CREDENTIALS
    for text in (None, "", "Kart limiti yetersiz", "success"):
        assert refused_in_words(text).reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize("token", ["x" * 201, "tok Zq9", "ş"])
def test_a_kept_card_of_a_name_that_cannot_be_kept_costs_no_payment_its_outcome(token: str) -> None:
    asked = next(sample for sample in samples() if (sample.provider, sample.name) == ("paytr", "create-card-kept"))
    outcome = asked.read(body=asked.answer.body.replace(b"tok-Zq9", token.encode()))
    assert isinstance(outcome, Outcome)
    assert (outcome.verdict, outcome.stored_card) == (Verdict.ACCEPTED, None)


def test_a_card_whose_last_digits_lost_their_zeros_is_listed_all_the_same() -> None:
    asked = next(sample for sample in samples() if (sample.provider, sample.name) == ("paytr", "list-cards"))
    outcome = asked.read(body=asked.answer.body.replace(b'"last_4":"4358"', b'"last_4":358'))
    assert isinstance(outcome, Outcome)
    assert isinstance(outcome.details, KeptCards)
    assert None in [kept.card and kept.card.last_four for kept in outcome.details.cards]
