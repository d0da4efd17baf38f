"""Every provider's amounts: in the unit that each of its endpoints wants, in both directions, and never another one."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.connector import Connector, Operation
from providers.registry import connectors
from schemas.money import Money, Price
from schemas.payments import CancelPayment, CapturePayment, CreatePayment, RefundPayment
from tests import builders
from tests.conformance.amounts import (
    CURRENCIES,
    Path,
    amounts_in,
    decimals_of,
    leaves,
    read_as,
    senders,
    shown,
    unless_not_taken,
    with_money,
    written,
)
from tests.conformance.contract import contract
from tests.conformance.samples import a_command, an_attempt, attempt_for, command_for

MINORS = (1, 99, 100, 1000, 5800, 9899, 123_456_789, 10**12)
CONNECTORS = [pytest.param(connector, id=connector.name) for connector in connectors().values()]
SAYING = [
    pytest.param(connector, name, id=f"{connector.name}/{name}")
    for connector in connectors().values()
    for name, sender in senders(connector).items()
    if amounts_in(sender)
]


def _performing(*commands: type) -> list[Any]:
    return [
        pytest.param(connector, operation, id=f"{connector.name}/{operation.name}")
        for connector in connectors().values()
        for operation in connector.operations
        if issubclass(operation.command, commands)
    ]


@pytest.mark.parametrize("connector", CONNECTORS)
def test_every_amount_goes_out_in_the_unit_that_its_endpoint_is_declared_to_want(connector: Connector) -> None:
    """H9: `python -m tests.conformance.amounts` writes the declaration anew; compare it with the documents."""
    assert written(connector) == contract(connector, "amounts")


@pytest.mark.parametrize(("connector", "name"), SAYING)
def test_what_is_sent_reads_back_as_the_same_amount_or_cannot_be_said(connector: Connector, name: str) -> None:
    """H1, H3, H5: 9899 yen go out as 9899 yen, 1000 fils as 1.000 dinar, by the provider's decimals and no others."""
    sender = senders(connector)[name]
    amounts, said = amounts_in(sender), set()
    for money in (Money(minor=minor, currency=currency) for currency in CURRENCIES for minor in MINORS):
        request = unless_not_taken(partial(sender, money))
        if request is None:
            continue
        said.add(money)
        sent, decimals = leaves(request), decimals_of(connector, money.currency)
        for path, literal in amounts.items():
            assert read_as(literal, sent[path], money.currency, decimals) == money, shown(path)
    assert {money.minor for money in said if money.currency == "TRY"} == set(MINORS)


@pytest.mark.parametrize(("connector", "operation"), _performing(CapturePayment, RefundPayment))
def test_a_part_is_asked_for_as_that_part_and_the_whole_is_named_nowhere(
    connector: Connector, operation: Operation[Any, Any]
) -> None:
    """I1, I9: of 12.50 that are held or were taken 6.60 go on or back, and nothing that is sent says 12.50."""
    part, attempt = Money(minor=660, currency="TRY"), attempt_for(connector, operation)
    assert attempt.payment.held or attempt.payment.captured == 1250
    request = operation.build(command_for(connector, operation), replace(attempt, amount=part))
    literals = {shown(path): literal for path, literal in amounts_in(senders(connector)[operation.name]).items()}
    said = {shown(path): value for path, value in leaves(request).items() if shown(path) in literals}
    assert [read_as(literals[path], value, "TRY", 2) for path, value in said.items()] == [part] * len(literals)
    assert not set(map(str, leaves(request).values())) & {"12.50", "12.5", "1250"}


@pytest.mark.parametrize(("connector", "operation"), _performing(CapturePayment, RefundPayment))
def test_what_captures_or_gives_back_says_how_much(connector: Connector, operation: Operation[Any, Any]) -> None:
    """I1, I9: without an amount a provider would take or give back all."""
    assert contract(connector, "amounts")[operation.name]["amounts"]


@pytest.mark.parametrize(("connector", "name"), SAYING)
def test_the_currency_is_the_payments_own_wherever_one_is_named(connector: Connector, name: str) -> None:
    """H11: a capture or refund of a payment in euro names euro, whatever other payments are in."""
    sender = senders(connector)[name]
    named = contract(connector, "amounts")[name]["currency"]
    assert "currency" in " ".join(named) or named == {}
    euro = leaves(sender(Money(minor=1234, currency="EUR")))
    assert [path for path, value in euro.items() if shown(path) in named and value not in {"EUR", "eur"}] == []


@pytest.mark.parametrize(("connector", "operation"), _performing(CancelPayment))
@pytest.mark.parametrize("currency", ["TRY", "JPY"])
def test_a_cancel_after_a_partial_refund_gives_back_what_is_left(
    connector: Connector, operation: Operation[Any, Any], currency: str
) -> None:
    """I5: of 80 paid and 30 given back, 50 come back, and never 80."""
    attempt = attempt_for(connector, operation)
    left = Money(minor=750, currency=currency)
    for amount in (left, None):
        known = an_attempt("partly_refunded").payment.model_copy(update={"currency": currency})
        build = partial(operation.build, a_command(CancelPayment), replace(attempt, payment=known, amount=amount))
        request = unless_not_taken(build)
        if request is None:
            continue
        unit, decimals = next(iter(amounts_in(senders(connector)["refund"]).values())), decimals_of(connector, currency)
        said = [value for path, value in leaves(request).items() if _is(unit, value, left, decimals)]
        assert said, "a cancel of the whole would be refused, or give back too much"


def _is(unit: Any, value: Any, money: Money, decimals: int) -> bool:
    try:
        return read_as(unit, value, money.currency, decimals) == money
    except ValueError:
        return False


@pytest.mark.parametrize(("connector", "operation"), _performing(CreatePayment))
@given(minors=st.lists(st.integers(1, 10**7), min_size=1, max_size=6))
@settings(max_examples=25)
def test_the_lines_that_are_sent_add_up_to_the_price_that_is_sent(
    connector: Connector, operation: Operation[Any, Any], minors: list[int]
) -> None:
    """J1: at a provider that wants a basket, its lines are the total to the last kuruş, and none is nothing."""
    sent = _sent_for(connector, operation, minors)
    lines: dict[Path, list[Money]] = defaultdict(list)
    for path, literal in amounts_in(senders(connector)[operation.name]).items():
        if 0 in path:
            place = path.index(0)
            found = [value for other, value in sent.items() if _unplaced(other, place) == _unplaced(path, place)]
            lines[path] = [read_as(literal, value, "TRY", 2) for value in found]
        else:
            assert read_as(literal, sent[path], "TRY", 2).minor == sum(minors), shown(path)
    for moneys in lines.values():
        # One that stands for the whole order is no line of it.
        assert [money.minor for money in moneys] in (minors, [sum(minors)])
        assert sum(money.minor for money in moneys) == sum(minors)


@pytest.mark.parametrize(("connector", "operation"), _performing(CreatePayment))
def test_the_order_of_the_lines_changes_no_amount(connector: Connector, operation: Operation[Any, Any]) -> None:
    """J5: what is rounded is rounded line by line, so that the total is the same in any order."""
    minors = [3310_05, 1, 2085_01]
    forward, backward = (_sent_for(connector, operation, order) for order in (minors, minors[::-1]))
    places = {_anywhere(path) for path in amounts_in(senders(connector)[operation.name])}
    said = [Counter(str(sent[path]) for path in sent if _anywhere(path) in places) for sent in (forward, backward)]
    assert said[0] == said[1] != Counter()


def _sent_for(connector: Connector, operation: Operation[Any, Any], minors: list[int]) -> dict[Path, Any]:
    """What goes out for a basket of lines with these prices."""
    total = Price(minor=sum(minors), currency="TRY")
    basket = tuple(
        builders.a_line(Price(minor=minor, currency="TRY"), line_id=f"line-{place}")
        for place, minor in enumerate(minors)
    )
    command = with_money(command_for(connector, operation), total).model_copy(update={"basket": basket})
    return leaves(operation.build(command, replace(attempt_for(connector, operation), amount=total)))


def _anywhere(path: Path) -> Path:
    return tuple("each" if isinstance(step, int) else step for step in path)


def _unplaced(path: Path, place: int) -> Path:
    return tuple(step for at, step in enumerate(path) if at != place)
