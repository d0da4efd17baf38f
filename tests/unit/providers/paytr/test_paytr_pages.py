"""The page that leads to the payer's bank: passed on when it is whole, and never taken for anything else."""

from dataclasses import replace
from typing import Any

import pytest

from providers.connector import Answer
from providers.outcome import Outcome
from schemas.errors import HubError, OutcomeUnknown, Throttled
from schemas.payments import ShowPage
from schemas.verdicts import Verdict
from tests.conformance.samples import Sample, samples
from tests.conformance.spoiling import ALIEN_TYPES, SPOILED, STATUSES

PAGES = {sample.name: sample for sample in samples() if sample.provider == "paytr" and sample.name.startswith("start-")}
PAGE = PAGES["start-3ds-page"]
PLAIN = b'<form action="https://acs.bank.example"><input name="a"></form>'


def read(sample: Sample = PAGE, **changed: Any) -> Outcome:
    found = sample.read(**changed)
    assert isinstance(found, Outcome)
    return found


def passes(**changed: Any) -> bool:
    try:
        return read(**changed).verdict is Verdict.PENDING
    except HubError:
        return False


def test_a_page_is_passed_on_word_for_word() -> None:
    assert read().next_action == ShowPage(html=PAGE.answer.body.decode())


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_page_is_not_passed_on(how: str) -> None:
    assert not passes(body=SPOILED[how](PAGE.answer.body))


@pytest.mark.parametrize("status", STATUSES)
def test_a_page_under_another_status_is_not_passed_on(status: int) -> None:
    assert not passes(status=status)


@pytest.mark.parametrize("alien", [*ALIEN_TYPES[1:], "application/json", ""])
def test_a_page_of_another_content_type_is_not_passed_on(alien: str) -> None:
    assert not passes(headers={"content-type": alien})


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        b"<script>location.href='https://acs.bank.example'</script>",
        b'<iframe src="https://acs.bank.example"></iframe>',
        b"\n <!DOCTYPE html><HTML><BODY><FORM action='https://acs.bank.example'></FORM></BODY></HTML> \n",
    ],
)
def test_a_page_that_leads_on_in_any_way_is_passed_on(body: bytes) -> None:
    assert passes(body=body)


def test_letters_are_read_in_the_charset_that_the_answer_names() -> None:
    page = "<form><b>Şifre</b></form>"
    turkish = read(body=page.encode("iso-8859-9"), headers={"content-type": "text/html; charset=ISO-8859-9"})
    assert turkish.next_action == ShowPage(html=page)
    for charset in ("utf-8", "never-met"):
        assert not passes(body=page.encode("iso-8859-9"), headers={"content-type": f"text/html; charset={charset}"})


def test_what_never_is_a_page_stays_unread_under_the_type_of_one() -> None:
    other = next(one for one in samples() if one.provider == "paytr" and one.name == "create-charged")
    for body in (PLAIN, other.answer.body):
        with pytest.raises(OutcomeUnknown):
            read(other, body=body, headers={"content-type": "text/html"})


def test_a_refusal_is_believed_only_as_json() -> None:
    refused = PAGES["start-3ds-refused"]
    assert read(refused).verdict is Verdict.REFUSED
    with pytest.raises(OutcomeUnknown):
        read(refused, headers={"content-type": "text/html"})


def test_a_page_that_asks_for_a_pause_is_a_limit() -> None:
    answer = Answer(429, {"content-type": "text/html", "retry-after": "7"}, PLAIN, None)
    with pytest.raises(Throttled) as throttled:
        replace(PAGE, answer=answer).read()
    assert throttled.value.retry_after_s == 7


def test_a_long_page_that_leads_nowhere_is_seen_through_at_once() -> None:
    for piece in (b"<form ", b"<script><", b"</form ", b"<html>"):
        assert not passes(body=b"<" + piece * 30_000 + b">")
