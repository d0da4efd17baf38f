import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.payments.iyzico.errors import CODES, GROUPS, meaning_of, refusal
from providers.payments.iyzico.wire import Envelope
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

ASK = "1 2 100001 8514 10202 10203 10204 10214 10216 10219 10228 10236 10240 10241 10242 10246".split()  # noqa: SIM905


@pytest.mark.parametrize("code", ASK)
def test_a_code_after_which_one_must_ask_is_never_a_refusal(code: str) -> None:
    outcome = refusal(Envelope(status="failure", errorCode=code))
    assert (outcome.verdict, outcome.failure) == (Verdict.UNKNOWN, FailureClass.UNKNOWN)


def test_no_other_listed_code_is_unknown() -> None:
    assert {code for code, meaning in CODES.items() if meaning[1] is FailureClass.UNKNOWN} == set(ASK)


def test_the_whole_published_table_is_there() -> None:
    numbers = [
        *(*range(1, 26), 1000, 1001, 1007, *range(2000, 2031), 3001, 3002, 3005, 3006, *range(4000, 4007)),
        *(5001, 5004, 5005, 5007, 5057, 5062, 5074, 5077, 5079, 5082, 5087, 5092, 5111, 5124, 5132, 5184),
        *(6001, 8514, 9000, 50000, 100001),
        *(10005, 10012, 10034, 10041, 10043, 10051, 10054, 10057, 10058, 10084, 10093),
        *(*range(10201, 10237), *range(10240, 10245), 10246, 10248),
    ]
    published = map(str, numbers)
    assert set(published) == set(CODES)


@pytest.mark.parametrize(
    ("code", "group", "reason", "failure"),
    [
        ("10051", "NOT_SUFFICIENT_FUNDS", Reason.INSUFFICIENT_FUNDS, FailureClass.DECLINED),
        ("10051", None, Reason.INSUFFICIENT_FUNDS, FailureClass.DECLINED),
        ("10777", "EXPIRED_CARD", Reason.EXPIRED_CARD, FailureClass.DECLINED),
        ("10041", "PICKUP_CARD", Reason.LOST_CARD, FailureClass.DECLINED),
        ("10051", "REQUEST_TIMEOUT", Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
        ("10777", "NO_RESPONSE", Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
        ("10777", "SOMETHING_NEW", Reason.DECLINED, FailureClass.DECLINED),
        ("5999", None, Reason.INVALID_REQUEST, FailureClass.INVALID),
        ("1001", None, Reason.INVALID_CREDENTIALS, FailureClass.CONFIGURATION),
        ("50000", None, Reason.GAVE_UP, FailureClass.THROTTLED),
        ("10217", "DEBIT_CARDS_REQUIRES_3DS", Reason.AUTHENTICATION_REQUIRED, FailureClass.DECLINED),
        ("200000", None, Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
        (None, None, Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
        ("E-17", None, Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
        ("٥٠٦٢", None, Reason.OUTCOME_UNKNOWN, FailureClass.UNKNOWN),
    ],
)
def test_what_a_code_means(code: str | None, group: str | None, reason: Reason, failure: FailureClass) -> None:
    assert meaning_of(code, group) == (reason, failure)


@given(
    code=st.text(max_size=12) | st.sampled_from(sorted(CODES)),
    group=st.text(max_size=8) | st.sampled_from(sorted(GROUPS)),
)
def test_every_failure_has_a_meaning_and_advice(code: str, group: str) -> None:
    outcome = refusal(Envelope(status="failure", errorCode=code, errorGroup=group))
    assert outcome.verdict in {Verdict.REFUSED, Verdict.UNKNOWN}
    assert outcome.reason is not None
    assert outcome.detail
    assert (outcome.their_code, outcome.their_group) == (code, group)


def test_a_system_error_is_their_fault_and_a_silent_bank_is_not() -> None:
    assert refusal(Envelope(status="failure", errorCode="1")).their_fault
    assert not refusal(Envelope(status="failure", errorCode="10219")).their_fault
