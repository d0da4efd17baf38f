"""Which integration performs a command. Pure: what is closed now is an argument, and chance is the command's own id."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.payments.decisions import Refuse
from providers.connector import Integration
from schemas.payments import CreatePayment, Payment, Reason
from schemas.payments.resources import (
    ACCEPTED,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateSubscription,
    DeleteCard,
    GetInstalments,
    ListCards,
    LookUpCard,
    Resource,
    ResourceOrder,
    StoreCard,
)
from schemas.payments.vocabulary import Command
from schemas.routing import Routed, RoutingCondition, RoutingRule, Weighted
from schemas.verdicts import FailureClass

_BOUND: Final = frozenset({"provider_token", "stored_card"})
"""Methods that hold a token of one provider, of no use at another one."""
_NAMING: Final = (CreatePlan, CreateSubscription, DeleteCard, ListCards, ChangeSubscriptionCard)
"""Commands that hold a name which one provider gave, likewise."""
LOOK_UPS: Final[Mapping[type[ResourceOrder], str]] = {GetInstalments: "instalments", LookUpCard: "bin"}
"""Questions that a connector answers as reads, of these names."""
NOT_READY: Final = "the integration is not ready; `kolaj integrations show` says what it lacks"
"""The reason of commands that wait for an integration which cannot be called yet."""


def closed_refusal(command: Command, stands: Payment | Resource, closed: Mapping[str, Integration]) -> Refuse | None:
    """The refusal of a command for an integration that takes no new ones; `None` when it is for another."""
    wanted = _wanted(command, stands)
    if wanted is None or wanted not in closed:
        return None
    return _unknown("the integration is disabled; `kolaj integrations enable` lets it take commands again")


@dataclass(frozen=True, slots=True)
class Choice:
    """One place where a command may go."""

    integration: Integration
    rule_id: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Way:
    """Where a command goes now. `routed` is what its result tells; `None` where there was nothing to choose."""

    integration: Integration
    routed: Routed | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a command may go, in the order in which it is tried.

    Attributes:
        chosen: false when the command, or where its payment was created, leaves no choice.
    """

    choices: tuple[Choice, ...]
    chosen: bool = True

    @property
    def foremost(self) -> Way:
        """The first choice, whatever stands in its way."""
        return self.at(self.choices[0])

    def at(self, choice: Choice) -> Way:
        """One of the choices, whatever stands in its way."""
        return Way(choice.integration, self._routed(choice, (), {}))

    def way(self, over: Mapping[str, str]) -> Way | None:
        """The first choice that is not passed over; `None` when all are.

        Args:
            over: why a choice is passed over, by integration; those that are tried and certainly performed nothing,
                and those that take nothing now.
        """
        passed: list[str] = []
        for choice in self.choices:
            integration_id = choice.integration.id
            if integration_id not in over:
                return Way(choice.integration, self._routed(choice, passed, over))
            passed.append(integration_id)
        return None

    def _routed(self, choice: Choice, passed: Sequence[str], over: Mapping[str, str]) -> Routed | None:
        if not self.chosen:
            return None
        why = "; ".join((choice.why, *(f"{name} was passed over: {over[name]}" for name in passed)))
        return Routed(rule_id=choice.rule_id, integration_id=choice.integration.id, why=why, fallback_of=tuple(passed))


def route(
    command_id: UUID,
    command: Command,
    stands: Payment | Resource,
    integrations: Mapping[str, Integration],
    *,
    rules: Sequence[RoutingRule] = (),
    owners: Mapping[str, Sequence[str]] | None = None,
) -> Route | Refuse:
    """Where a command goes: later commands of a payment or resource to where it was created, others to where they say.

    A creation that names none goes by the first rule that matches it, else to the only integration there is; with
    several it is refused, never guessed. What belongs to an owner goes to that owner's integrations alone. What is no
    payment has no price, card or owner to be matched, so that only rules without conditions are for it.

    Args:
        command_id: what the choice is drawn by.
        stands: the payment or resource as it is known.
        owners: which integrations an owner uses; one who is not in it may use those that are nobody's.
    """
    wanted = _wanted(command, stands)
    if wanted is not None:
        named = integrations.get(wanted)
        if named is None:
            return _unknown(
                "integration_id names no integration of this hub; `kolaj integrations list` shows those it has"
            )
        return Route((Choice(named, None, "named by the command"),), chosen=False)
    if isinstance(command, ResourceOrder):
        return _of_resource(command_id, command, integrations, rules)
    if not isinstance(command, CreatePayment):
        return _only(None, integrations, rules)
    allowed = _of_owner(command.owner, integrations, owners or {})
    if isinstance(allowed, Refuse):
        return allowed
    for rule in sorted(rules, key=lambda rule: rule.order):
        if rule.capability == "payments" and _matches(rule, command):
            choices = [choice for choice in _choices(rule, command_id) if choice[0] in allowed]
            if choices:
                return Route(_able(command, [Choice(allowed[name], rule.rule_id, why) for name, why in choices]))
    return _only(command.owner if allowed is not integrations else None, allowed, rules)


def _of_resource(
    command_id: UUID, command: ResourceOrder, integrations: Mapping[str, Integration], rules: Sequence[RoutingRule]
) -> Route | Refuse:
    for rule in sorted(rules, key=lambda rule: rule.order):
        if rule.capability == "payments" and rule.when == RoutingCondition():
            known = [choice for choice in _choices(rule, command_id) if choice[0] in integrations]
            choices = [Choice(integrations[name], rule.rule_id, why) for name, why in known]
            able = [choice for choice in choices if _knows(choice.integration, command)] or choices
            if _is_bound(command):
                able = _at_one_provider(able)
            if able:
                return Route(tuple(able))
    return _only(None, integrations, rules)


def _knows(integration: Integration, command: ResourceOrder) -> bool:
    read = LOOK_UPS.get(type(command))
    connector = integration.connector
    if read is not None:
        return connector.read_named(read) is not None
    if _is_by_token(command) and "provider_token" not in connector.methods:
        return False  # drawn first, it would be the one provider that the token goes to
    return connector.operation_for(type(command)) is not None


def _is_bound(command: ResourceOrder) -> bool:
    """Whether it holds a token or a name of one provider, of no use at another one."""
    known_there = isinstance(command, StoreCard) and command.customer_key is not None
    return isinstance(command, _NAMING) or known_there or _is_by_token(command)


def _is_by_token(command: ResourceOrder) -> bool:
    return isinstance(command, StoreCard) and command.provider_token is not None


def _at_one_provider(choices: Sequence[Choice]) -> list[Choice]:
    """Without the places where a name of the first one's provider says nothing."""
    return [choice for choice in choices if choice.integration.connector.name == choices[0].integration.connector.name]


def _of_owner(
    owner: str | None, integrations: Mapping[str, Integration], owners: Mapping[str, Sequence[str]]
) -> Mapping[str, Integration] | Refuse:
    """The integrations that may serve this owner: money must not end up in somebody else's account."""
    if owner is None or not owners:
        return integrations
    if owner in owners:
        names = set(owners[owner])
    else:
        names = integrations.keys() - {name for theirs in owners.values() for name in theirs}
    allowed = {name: integration for name, integration in integrations.items() if name in names}
    return allowed or _unknown("owner uses no integration that this hub has; map it to one")


def _matches(rule: RoutingRule, command: CreatePayment) -> bool:
    when = rule.when
    return (
        (when.currencies is None or command.paid_price.currency in when.currencies)
        and (when.countries is None or command.billing_address.country in when.countries)
        and (when.card_programmes is None or command.card_programme in when.card_programmes)
        and (when.owners is None or command.owner in when.owners)
        and when.amount_matches(command.paid_price)
    )


def _choices(rule: RoutingRule, command_id: UUID) -> Iterator[tuple[str, str]]:
    """The rule's integrations in the order in which this command tries them, each with why."""
    left = [choice for choice in rule.choices if choice.weight]
    total = sum(choice.weight for choice in left)
    drawn = _draw(left, f"{rule.rule_id}/{command_id}")
    left.remove(drawn)
    share = f" (weight {drawn.weight} of {total})" if left else ""
    yield drawn.integration_id, f"drawn by rule {rule.rule_id}{share}"
    while left:
        drawn = _draw(left, f"{rule.rule_id}/{command_id}/{len(left)}")
        left.remove(drawn)
        yield drawn.integration_id, f"drawn next by rule {rule.rule_id}"
    for integration_id in rule.fallback:
        yield integration_id, f"fallback of rule {rule.rule_id}"


def _draw(choices: Sequence[Weighted], seed: str) -> Weighted:
    """One of them, by weight; the same one for the same seed, in whatever process."""
    chance = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    point = chance * sum(choice.weight for choice in choices) >> 64
    for choice in choices:
        point -= choice.weight
        if point < 0:
            return choice
    raise AssertionError("the point lies below the sum of the weights")


def _able(command: CreatePayment, choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Without those that could never perform it; all of them when none could, so that the refusal says why.

    A token is good at the provider that issued it, so that one is passed on to further accounts at that provider only.
    """
    able = [choice for choice in choices if _performs(choice.integration, command)] or list(choices)
    if command.method.kind in _BOUND:
        able = _at_one_provider(able)
    return tuple(able)


def _performs(integration: Integration, command: CreatePayment) -> bool:
    connector = integration.connector
    return connector.operation_for(type(command)) is not None and command.method.kind in connector.methods


def _only(owner: str | None, integrations: Mapping[str, Integration], rules: Sequence[RoutingRule]) -> Route | Refuse:
    whose = "" if owner is None else f" for owner {owner}"
    if len(integrations) == 1:
        (only,) = integrations.values()
        return Route((Choice(only, None, f"the only integration{whose}"),))
    unmatched = ", no routing rule matches" if rules else ""
    return _unknown(
        f"integration_id is missing{unmatched} and there are several integrations{whose}; name the one that shall "
        "perform it"
    )


def _wanted(command: Command, stands: Payment | Resource) -> str | None:
    # What is asked beside any resource is asked where its sender says, so that no other account's answer is told.
    apart = isinstance(command, ResourceOrder) and ACCEPTED[type(command)].kind == "question"
    named = command.integration_id if isinstance(command, CreatePayment) or apart else stands.integration_id
    return named or command.integration_id


def _unknown(detail: str) -> Refuse:
    return Refuse(Reason.UNKNOWN_INTEGRATION, FailureClass.CONFIGURATION, detail)
