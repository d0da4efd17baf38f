"""Which integration performs a command that names none."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Frozen, IntegrationId, RuleId, Text
from schemas.money import Money

Weight = Annotated[int, Field(ge=0, le=1_000_000)]


class RoutingCondition(Frozen):
    """When a rule applies: all of what is given must hold; what is absent does not matter."""

    currencies: tuple[str, ...] | None = None
    countries: tuple[str, ...] | None = None
    card_programmes: tuple[str, ...] | None = None
    owners: tuple[Text, ...] | None = None
    min_amount: Money | None = None
    max_amount: Money | None = None


class Weighted(Frozen):
    """One choice and its share among the others."""

    integration_id: IntegrationId
    weight: Weight = 1


class RoutingRule(Frozen):
    """Choices for the commands that meet a condition, and where to go on when the chosen one certainly did nothing."""

    rule_id: RuleId
    capability: Literal["payments"] = "payments"
    priority: int = 0
    when: RoutingCondition = RoutingCondition()
    choices: Annotated[tuple[Weighted, ...], Field(min_length=1, max_length=100)]
    fallback: tuple[IntegrationId, ...] = ()


class Routed(Frozen):
    """Where a command went, and why."""

    rule_id: RuleId | None
    integration_id: IntegrationId
    why: str
    fallback_of: tuple[str, ...] = ()
