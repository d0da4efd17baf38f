"""Which integration performs a command that names none: rules, and what was chosen and why."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Frozen, IntegrationId, Text, Token
from schemas.money import CurrencyCode, Money, Share

Capability = Literal["payments"]
"""What a rule is for; a command's type begins with it."""

CardProgramme = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""The bank's name for a card's instalment and points scheme, in lower-case ASCII: `bonus`, `world`, `maximum`, `axess`,
`cardfinans`, `paraf`, …
"""

RuleId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$")]

_MOST: Final = 50
_SOME = Field(min_length=1, max_length=_MOST)


class RoutingCondition(Frozen, extra="forbid"):
    """What a command must be like; every part that is given must hold, and without any part all commands match.

    Attributes:
        currencies: of what is paid.
        countries: of the billing address, letter for letter as publishers write them: list every spelling in use.
        card_programmes: as the command says it; a command that says none matches no such list.
        owners: for which seller or store, as the command says it; likewise.
        min_amount, max_amount: bounds of what is paid, themselves included; other currencies do not match.
    """

    currencies: Annotated[tuple[CurrencyCode, ...], _SOME] | None = None
    countries: Annotated[tuple[Text, ...], _SOME] | None = None
    card_programmes: Annotated[tuple[CardProgramme, ...], _SOME] | None = None
    owners: Annotated[tuple[Token, ...], Field(min_length=1, max_length=1000)] | None = None
    min_amount: Share | None = None
    max_amount: Share | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        low, high = self.min_amount, self.max_amount
        if low is not None and high is not None:
            if low.currency != high.currency:
                raise ValueError(
                    f"max_amount is in {high.currency}, min_amount in {low.currency}; give both in one currency"
                )
            if low.minor > high.minor:
                raise ValueError(f"max_amount {high} is below min_amount {low}; no amount lies between them")
        for name, bound in (("min_amount", low), ("max_amount", high)):
            if bound is not None and self.currencies is not None and bound.currency not in self.currencies:
                raise ValueError(f"{name} is in {bound.currency}, which is not among currencies; nothing could match")
        return self

    def amount_matches(self, paid: Money) -> bool:
        """Whether what is paid lies within the bounds."""
        low, high = self.min_amount, self.max_amount
        return (low is None or (low.currency == paid.currency and low.minor <= paid.minor)) and (
            high is None or (high.currency == paid.currency and paid.minor <= high.minor)
        )


class Weighted(Frozen, extra="forbid"):
    """A choice and its share. With weight 0 it gets nothing, not even what others cannot take."""

    integration_id: IntegrationId
    weight: Annotated[int, Field(ge=0, le=1_000_000)]


class RoutingRule(Frozen, extra="forbid"):
    """Where the commands that match go.

    Attributes:
        priority: the rule with the lowest number is asked first; rules with one number in the order of their ids.
        choices: one of them is drawn by weight, by the command's id, so that a command draws the same one each time.
        fallback: tried in this order when none of the choices can perform now.
    """

    rule_id: RuleId
    capability: Capability = "payments"
    priority: Annotated[int, Field(ge=0, le=1_000_000)]
    when: RoutingCondition = RoutingCondition()
    choices: Annotated[tuple[Weighted, ...], _SOME]
    fallback: Annotated[tuple[IntegrationId, ...], Field(max_length=_MOST)] = ()

    @model_validator(mode="after")
    def _choosable(self) -> Self:
        if not sum(choice.weight for choice in self.choices):
            raise ValueError("choices have weights that add up to 0; give one of them a weight above 0")
        names = [choice.integration_id for choice in self.choices]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"choices name {name} twice; add their weights up in one")
        for name in self.fallback:
            if self.fallback.count(name) > 1:
                raise ValueError(f"fallback names {name} twice; once is enough")
            if name in names:
                raise ValueError(f"fallback names {name}, which is among choices; those are tried before it anyway")
        return self

    @property
    def order(self) -> tuple[int, str]:
        """Rules are asked in this order."""
        return self.priority, self.rule_id

    @property
    def integration_ids(self) -> tuple[str, ...]:
        """All that it names."""
        return (*(choice.integration_id for choice in self.choices), *self.fallback)


class Routed(Frozen):
    """Where a command went that named no integration, and why.

    Attributes:
        rule_id: the rule that chose it; `None` when no rule did.
        why: a sentence for people.
        fallback_of: integrations that would have come before it, and certainly performed nothing.
    """

    rule_id: str | None = None
    integration_id: str
    why: str
    fallback_of: tuple[str, ...] = ()
