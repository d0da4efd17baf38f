"""Routing rules that are settings."""

from collections.abc import Collection
from typing import Final

from pydantic import TypeAdapter

from infra.listed import read_list
from schemas.routing import RoutingRule

_RULES: Final = TypeAdapter(tuple[RoutingRule, ...])


def read_routing(text: str) -> tuple[RoutingRule, ...]:
    """The rules of a JSON list, or of the file that holds one.

    Raises:
        ValueError: not such a list, or two rules with one id; the message says where.
    """
    rules = read_list(text, _RULES)
    ids = [rule.rule_id for rule in rules]
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise ValueError(f"two rules are called {rule_id}; give each a rule_id of its own")
    return rules


def unknown_integration(rules: Collection[RoutingRule], known: Collection[str]) -> str | None:
    """Which rule names an integration that is not known, and which one; `None` when all are."""
    for rule in rules:
        for integration_id in rule.integration_ids:
            if integration_id not in known:
                return f"rule {rule.rule_id} names {integration_id}"
    return None
