"""Amounts of money as a person would write them."""

from schemas.money import Price


def lira(amount: str) -> Price:
    return Price.parse(amount, "TRY")


def money(amount: str, currency: str) -> Price:
    return Price.parse(amount, currency)
