"""Prices of basket lines in whole minor units that add up to the last kuruş: for publishers, who must send them so.

A provider that gets a basket compares the sum of its lines with the price, and refuses what is one kuruş off; it takes
no line of nothing either. So lines are rounded down first, and what is then left over is placed by one rule: one minor
unit each to the lines that lost most by that, the earlier line first. The total depends on no order.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from schemas.money import Money, Price, exponent


def scaled(price: Price, factor: Decimal) -> Price:
    """A line's price times a factor, such as 0.90 for a tenth off or 1.22 with tax, rounded half up.

    Raises:
        ValueError: it comes to nothing.
    """
    return _price(_half_up(price.minor * factor), price.currency)


def rounded(amounts: Sequence[Decimal], currency: str) -> tuple[Price, ...]:
    """Exact line amounts in major units as prices: together they are the exact total, rounded half up.

    Raises:
        ValueError: there is no line, or an amount is not above zero.
    """
    exact = [Fraction(amount) * 10 ** exponent(currency) for amount in amounts]
    total = _half_up(sum((amount.scaleb(exponent(currency)) for amount in amounts), Decimal(0)))
    return _shares(total, exact, currency)


def after_discount(prices: Sequence[Price], discount: Money) -> tuple[Price, ...]:
    """The lines' prices once a discount or a gift card is taken off all of them, in proportion.

    Raises:
        ValueError: nothing is left to pay, so that no payment is to be made; or less than a minor unit for each line;
            or the discount is in another currency.
    """
    if any(price.currency != discount.currency for price in prices):
        raise ValueError("the discount is in another currency than the lines; convert it first")
    left = sum(price.minor for price in prices) - discount.minor
    if left <= 0:
        raise ValueError("the discount leaves nothing to pay; make no payment")
    return _shares(left, [Fraction(price.minor) for price in prices], discount.currency)


def _shares(total: int, weights: Sequence[Fraction], currency: str) -> tuple[Price, ...]:
    """`total` minor units in proportion to `weights`, by the largest remainder, and none of them nothing."""
    if not weights or min(weights) <= 0:
        raise ValueError("every line needs an amount above zero; leave out what costs nothing")
    if total < len(weights):
        raise ValueError("there is less than one minor unit for each line; send fewer lines")
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    minors = [int(share) for share in exact]
    by_loss = sorted(range(len(exact)), key=lambda place: (minors[place] - exact[place], place))
    for place in by_loss[: total - sum(minors)]:
        minors[place] += 1
    for place, minor in enumerate(minors):
        if minor == 0:
            minors[place] = 1
            minors[minors.index(max(minors))] -= 1
    return tuple(_price(minor, currency) for minor in minors)


def _price(minor: int, currency: str) -> Price:
    return Price(minor=minor, currency=currency)


def _half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
