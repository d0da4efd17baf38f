"""Where amounts stand in what a connector sends: found by sending two amounts, and looking at what became another.

`python -m tests.conformance.amounts` writes anew how 12.34 lira go out (`samples/contract/amounts.json`), for a person
to compare with the provider's documents: whole kuruş here, lira with a dot there.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import BaseModel

from providers.connector import Attempt, Connector, Operation, Read, Request, Unsayable
from providers.registry import connectors
from schemas.money import Money, exponent
from schemas.payments import Payment, Reason
from tests.conformance.contract import contract_file
from tests.conformance.read_samples import a_question
from tests.conformance.samples import attempt_for, command_for

Path = tuple[str | int, ...]
Sender = Callable[[Money], Request]
CURRENCIES: Final = ("TRY", "EUR", "JPY", "KRW", "VND", "KWD", "TND", "HUF", "TWD", "ISK", "UGX", "MGA")
"""Of two decimals, of none and of three; and those of which providers think otherwise than ISO 4217."""
SHOWN: Final = Money(minor=1234, currency="TRY")
_OTHER: Final = Money(minor=4321, currency="TRY")
_ELSEWHERE: Final = Money(minor=1234, currency="EUR")


def senders(connector: Connector) -> dict[str, Sender]:
    """What the connector sends, by operation or read, once everything about it is one amount."""
    operations: dict[str, Sender] = {one.name: partial(sent, connector, one) for one in connector.operations}
    return operations | {f"read {one.name}": partial(_asked, connector, one) for one in connector.reads}


def sent(connector: Connector, operation: Operation[Any, Any], money: Money) -> Request:
    """The operation's request where everything about it is `money`."""
    command = with_money(command_for(connector, operation), money)
    return operation.build(command, attempt_of(attempt_for(connector, operation), money))


def leaves(request: Request) -> dict[Path, Any]:
    """Every value that a request carries, by where it stands: in its query, its form or its JSON, at any depth."""
    found: dict[Path, Any] = {("?", name): value for name, value in request.query}
    text = request.body.decode()
    if text.startswith(("{", "[")):
        return found | dict(walk(json.loads(text, parse_float=Decimal)))
    for name, value in parse_qsl(text, keep_blank_values=True):
        found |= dict(walk(_opened(value), (name,)))
    return found


def amounts_in(sender: Sender) -> dict[Path, Any]:
    """Where a request says how much, and how it says 12.34 lira."""
    return _what_changes(sender, _OTHER)


def currencies_in(sender: Sender) -> dict[Path, Any]:
    """Where a request names the currency, and what it calls Turkish lira."""
    return _what_changes(sender, _ELSEWHERE)


def _what_changes(sender: Sender, other: Money) -> dict[Path, Any]:
    one, another = leaves(sender(SHOWN)), leaves(sender(other))
    return {path: value for path, value in one.items() if another.get(path) != value}


def declared(sender: Sender) -> dict[str, dict[str, Any]]:
    """What the contract file says of one operation or read."""
    found = {"amounts": amounts_in(sender), "currency": currencies_in(sender)}
    return {what: {shown(path): _plain(value) for path, value in where.items()} for what, where in found.items()}


def decimals_of(connector: Connector, currency: str) -> int:
    """As many as the provider gives a currency: ISO 4217's, but for those in `samples/contract/currencies.json`."""
    file = contract_file(connector, "currencies")
    own: Mapping[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return own.get(currency, exponent(currency))


def unless_not_taken(build: Callable[[], Request]) -> Request | None:
    """The request; `None` where the provider does not take the currency, and that is said before anything is sent."""
    try:
        return build()
    except Unsayable as unsayable:
        if unsayable.reason in {Reason.CURRENCY_NOT_PERMITTED, Reason.INVALID_AMOUNT}:
            return None
        raise


def read_as(literal: Any, value: Any, currency: str, decimals: int) -> Money:
    """An amount that was sent, read in the unit that 12.34 is declared in.

    Raises:
        ValueError: it is not written in that unit, with as many decimals as the provider gives the currency.
    """
    if type(value) is not type(literal):
        raise ValueError(f"{value!r} is not of the declared kind")
    if "." not in str(literal):
        if not str(value).isascii() or not str(value).isdigit():
            raise ValueError(f"{value!r} is no whole number of minor units")
        return Money.from_major(Decimal(value).scaleb(-decimals), currency)
    whole, _, fraction = str(value).partition(".")
    if not whole.isdigit() or len(fraction) != decimals:
        raise ValueError(f"{value!r} has not the currency's decimals")
    return Money.parse(str(value), currency)


def with_money(node: Any, money: Money) -> Any:
    """The same command or fact with every amount in it being this one."""
    if isinstance(node, Money):
        return type(node)(minor=money.minor, currency=money.currency)
    if isinstance(node, BaseModel):
        values = {name: getattr(node, name) for name in type(node).model_fields}
        return node.model_copy(update={name: with_money(value, money) for name, value in values.items()})
    return tuple(with_money(item, money) for item in node) if isinstance(node, tuple) else node


def _asked(connector: Connector, read: Read[Any, Any, Any], money: Money) -> Request:
    return read.build(with_money(a_question(connector, read), money))


def shown(path: Path) -> str:
    return ".".join(map(str, path))


def attempt_of(attempt: Attempt, money: Money) -> Attempt:
    """The attempt with the amount, and all that its payment holds or has taken, being `money`."""
    payment: Payment = with_money(attempt.payment, money)
    totals = {name: money.minor for name in ("held", "captured") if getattr(payment, name)}
    if payment.currency is not None:
        totals["currency"] = money.currency  # type: ignore[assignment]  # one of the totals' fields is a code
    amount = None if attempt.amount is None else Money(minor=money.minor, currency=money.currency)
    return replace(attempt, amount=amount, payment=payment.model_copy(update=totals))


def walk(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a JSON tree, by where it stands."""
    if isinstance(node, dict | list):
        for step, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from walk(child, (*path, step))
    else:
        yield path, node


def _opened(text: str) -> Any:
    """A list that stands in a form as JSON, plain or in base64; any other text as it is."""
    for candidate in (text, _unpacked(text)):
        if candidate.startswith("["):
            try:
                return json.loads(candidate, parse_float=Decimal)
            except ValueError:
                continue
    return text


def _unpacked(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def written(connector: Connector) -> Mapping[str, Any]:
    """The contract file's content, by what the connector does today; operations that say no amount are left out."""
    found = {name: declared(sender) for name, sender in senders(connector).items()}
    return {name: said for name, said in found.items() if said["amounts"]}


if __name__ == "__main__":
    for one in connectors().values():
        text = json.dumps(written(one), indent=2, ensure_ascii=False)
        contract_file(one, "amounts").write_text(text + "\n", encoding="utf-8")
