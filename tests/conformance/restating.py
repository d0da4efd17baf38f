"""A sample as if it were about another amount, in another currency: its answer, and what was asked for."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, Final

from providers.connector import Connector, Unsayable
from providers.outcome import Finding, Outcome
from providers.registry import connectors
from schemas.errors import HubError
from schemas.money import Money, exponent
from schemas.payments import CapturePayment, CompleteThreeDSecure, CreatePayment, RefundPayment, StartThreeDSecure
from schemas.verdicts import Verdict
from tests.conformance.amounts import attempt_of, currencies_in, decimals_of, leaves, senders, with_money
from tests.conformance.samples import Sample, samples
from tests.conformance.spoiling import read, written

_MOVING: Final = (CreatePayment, StartThreeDSecure, CompleteThreeDSecure, CapturePayment, RefundPayment)
_AMOUNT: Final = re.compile(r"[0-9]+(?P<point>[.,])?[0-9]*")


def moved() -> Iterator[tuple[Sample, Money]]:
    """The samples that tell that all that was asked for was held, taken or given back, each with how much that was."""
    for sample in samples():
        amount = sample.asked.attempt.amount or getattr(sample.asked.command, "paid_price", None)
        if amount is None or not issubclass(sample.operation.command, _MOVING) or exponent(amount.currency) == 0:
            continue
        outcome = accepted(sample)
        if outcome is not None and outcome.amount == Money(minor=amount.minor, currency=amount.currency):
            yield sample, outcome.amount


def accepted(sample: Sample) -> Outcome | None:
    """What a sample comes to, where that is a success."""
    outcome = outcome_of(sample)
    return outcome if outcome is not None and outcome.verdict is Verdict.ACCEPTED else None


def outcome_of(sample: Sample) -> Outcome | None:
    """What a sample comes to; `None` where its answer is no use, or nothing was found."""
    try:
        result = sample.read()
    except HubError:
        return None
    return result.outcome if isinstance(result, Finding) else result


def answering(sample: Sample, was: Money, money: Money) -> Sample:
    """The sample whose answer names `money` wherever it named `was`, and which was asked for as before."""
    connector = connectors()[sample.provider]
    body = written(_restated(read(sample.answer.body), connector, was, money))
    return unsigned(replace(sample, answer=replace(sample.answer, body=body)))


def unsigned(sample: Sample) -> Sample:
    """The sample where any answer is trusted: what is changed in one that is signed is seen by its reading alone."""
    integration = sample.asked.integration
    connector = replace(integration.connector, verify=lambda _request, _answer, _credentials: None)
    return replace(sample, asked=replace(sample.asked, integration=replace(integration, connector=connector)))


def asking(sample: Sample, money: Money) -> Sample:
    """The sample whose command and payment are about `money`."""
    attempt = attempt_of(sample.asked.attempt, money)
    return replace(
        sample, asked=replace(sample.asked, command=with_money(sample.asked.command, money), attempt=attempt)
    )


@cache
def spelled(provider: str, currency: str) -> str | None:
    """What a provider calls a currency; `None` where it does not take it, or nothing that is sent names one."""
    some = Money(minor=10**6, currency=currency)
    for sender in senders(connectors()[provider]).values():
        try:
            sent = leaves(sender(some))
        except Unsayable:
            continue
        for path in currencies_in(sender):
            return str(sent[path])
    return None


def _restated(node: Any, connector: Connector, was: Money, money: Money) -> Any:
    if isinstance(node, dict):
        return {name: _restated(child, connector, was, money) for name, child in node.items()}
    if isinstance(node, list):
        return [_restated(child, connector, was, money) for child in node]
    if isinstance(node, str) and node == spelled(connector.name, was.currency):
        return spelled(connector.name, money.currency)
    if isinstance(node, str | int | Decimal) and not isinstance(node, bool):
        return _amount(node, connector, was, money)
    return node


def _amount(leaf: str | int | Decimal, connector: Connector, was: Money, money: Money) -> Any:
    """The same leaf in the same form: the amount becomes the other one, and what has decimals grows as it does."""
    form = _AMOUNT.fullmatch(str(leaf))
    if form is None:
        return leaf
    value, decimals = Decimal(str(leaf).replace(",", ".")), decimals_of(connector, money.currency)
    if form["point"] is None and value == was.major.scaleb(decimals_of(connector, was.currency)):
        whole = int(money.major.scaleb(decimals))
        return whole if isinstance(leaf, int) else str(whole)
    if form["point"] is None and value != was.major:
        return leaf
    text = f"{value * money.major / was.major:.{decimals}f}".replace(".", form["point"] or ".")
    return text if isinstance(leaf, str) else Decimal(text)
