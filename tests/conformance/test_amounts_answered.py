"""Every provider's answers: an amount is read in the unit and currency that it is told in, or it is no success."""

import re
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from providers.connector import Connector
from providers.outcome import Outcome
from providers.registry import connectors
from schemas.errors import HubError
from schemas.money import Money
from schemas.verdicts import Verdict
from tests.conformance.amounts import CURRENCIES, senders, unless_not_taken
from tests.conformance.restating import accepted, answering, asking, moved, spelled, unsigned
from tests.conformance.samples import Sample, samples
from tests.conformance.spoiling import read, written

MOVED: dict[str, list[tuple[Sample, Money]]] = defaultdict(list)
for one, told in moved():
    MOVED[one.provider].append((one, told))
MINORS = (5800, 9898, 10**12)
OTHER_FORMS = (
    *("123.456,00", "123,456.00", "123456,00", "123456.00", "123 456.00", "1.23456E5"),
    "\uff11\uff12\uff13\uff14\uff15\uff16.00",
)
"""123456.00 as other countries, machines and alphabets write it."""
every_connector = pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])


@every_connector
def test_what_goes_out_comes_back_as_the_same_amount(connector: Connector) -> None:
    """H3: a request for 5800 yen that is answered with 5800 yen moved 5800 yen, and never 58 or 580,000."""
    went_round = set()
    for sample, was in MOVED[connector.name]:
        for money in (Money(minor=minor, currency=currency) for currency in CURRENCIES for minor in MINORS):
            if not _is_said(connector, sample.operation.name, money):
                continue
            outcome = accepted(asking(answering(sample, was, money), money))
            assert outcome is not None, f"{sample.name}: {money}"
            assert outcome.amount == money, sample.name
            went_round.add((sample.operation.name, money.currency))
    assert {name for name, _ in went_round} == {sample.operation.name for sample, _ in MOVED[connector.name]}
    assert {currency for _, currency in went_round} >= {"TRY", "EUR"}


@every_connector
def test_an_answer_that_names_another_amount_than_was_asked_is_no_success(connector: Connector) -> None:
    """I1: 6.60 were to be given back, and 46.60 came; a person has to look."""
    named = 0
    for sample, was in MOVED[connector.name]:
        if answering(sample, was, was.with_minor(1)).answer.body == answering(sample, was, was).answer.body:
            continue
        for minor in (was.minor - 1, was.minor + 1, was.minor * 100):
            assert accepted(asking(sample, was.with_minor(minor))) is None, sample.name
        named += 1
    assert named


@every_connector
def test_an_answer_in_another_currency_than_was_asked_for_is_no_success(connector: Connector) -> None:
    """H7, H11: 12.50 is no amount by itself, and twelve euro are no twelve lira."""
    named = 0
    for sample, was in MOVED[connector.name]:
        other = Money(minor=was.minor, currency="USD")
        changed = answering(sample, was, other)
        if (
            spelled(connector.name, was.currency) is None
            or changed.answer.body == answering(sample, was, was).answer.body
        ):
            continue
        if _names(changed, str(spelled(connector.name, "USD"))):
            named += 1
            assert accepted(changed) is None, sample.name
    assert named


@every_connector
def test_an_amount_in_another_form_is_never_another_amount(connector: Connector) -> None:
    """K1, K3: a comma where a dot is declared, points between thousands and blanks are the same amount or no answer."""
    for sample, was in MOVED[connector.name]:
        money = Money(minor=123_456_00, currency=was.currency)
        large = asking(answering(sample, was, money), money)
        assert accepted(large) is not None, sample.name
        for form in OTHER_FORMS:
            body, count = re.subn(rb'(?<=")123456[.,]00?(?=")', form.encode(), large.answer.body)
            outcome = accepted(replace(large, answer=replace(large.answer, body=body)))
            assert outcome is None or not count or outcome.amount == money, (sample.name, form)


def _is_said(connector: Connector, name: str, money: Money) -> bool:
    """Whether the provider takes this amount, here and where the payment began."""
    if spelled(connector.name, money.currency) is None:
        return False
    said = [unless_not_taken(partial(senders(connector)[one], money)) for one in ("create", name)]
    return None not in said


def _names(sample: Sample, currency: str) -> bool:
    return f'"{currency}"'.encode() in sample.answer.body


@every_connector
def test_zeros_change_no_amount_and_a_part_of_a_minor_unit_is_none(connector: Connector) -> None:
    """H13: 12.5, 12.50 and 12.50000000 are one amount at the provider's precision; 12.505 and 1250.5 kuruş are none."""
    told = 0
    for sample in (unsigned(one) for one in samples() if one.provider == connector.name):
        if not sample.answer.body.startswith(b"{"):
            continue
        try:
            tree = read(sample.answer.body)
        except ValueError:
            continue
        before = _told(sample, sample.answer.body)
        told += before[1] is not None
        with_zeros = _told(sample, written(_mapped(tree, "{:f}000")))
        assert with_zeros in {before, (None, None)}, sample.name
        beyond = _told(sample, written(_mapped(tree, "{:f}5")))
        assert beyond[1] is None or beyond == before, sample.name
    assert told


def _mapped(node: Any, form: str) -> Any:
    """Every number with further decimals, also where a text says it; whole ones get their first."""
    if isinstance(node, dict):
        return {name: _mapped(child, form) for name, child in node.items()}
    if isinstance(node, list):
        return [_mapped(child, form) for child in node]
    if isinstance(node, str) and re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,2}", node):
        return form.format(Decimal(node))
    if isinstance(node, int) and not isinstance(node, bool):
        return Decimal(form.format(Decimal(f"{node}.0")))
    return Decimal(form.format(node)) if isinstance(node, Decimal) and node == node.quantize(Decimal("0.01")) else node


def _told(sample: Sample, body: bytes) -> tuple[Verdict | None, Money | None]:
    try:
        result = sample.read(body=body)
    except HubError:
        return None, None
    outcome = result if isinstance(result, Outcome) else result.outcome
    if outcome is None or outcome.verdict not in {Verdict.ACCEPTED, Verdict.PENDING}:
        return None, None
    return outcome.verdict, outcome.amount
