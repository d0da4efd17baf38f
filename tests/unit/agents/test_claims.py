import pytest

from agents.ledger import Ask, Claim, ClaimStatus, boottime
from schemas.ids import new_id


def a_claim(sent_age_s: float | None) -> Claim:
    ask = Ask("payments/x", new_id(), "t", b"d")
    return Claim(ask, ClaimStatus.TAKEN, 1, sent_age_s=sent_age_s, asked_at=boottime() - 3)


def test_the_age_of_a_send_grows_while_the_provider_is_asked_about_it() -> None:
    assert a_claim(5.0).sent_ago_s == pytest.approx(8.0, abs=1.0)


def test_what_was_never_sent_has_no_age() -> None:
    assert a_claim(None).sent_ago_s is None
