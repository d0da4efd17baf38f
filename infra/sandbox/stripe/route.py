"""A served path: what is performed, and which parameters it knows."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from infra.sandbox.stripe.call import Operation


@dataclass(frozen=True, slots=True)
class Route:
    """One of Stripe's endpoints; `{id}` in its template is one piece of the path."""

    method: str
    template: str
    operation: Operation
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(self.template.replace("{id}", "([^/]+)")))

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def faults_at(self) -> str:
        """How an order for a fault names it: what moves something by its path alone."""
        return self.template if self.method == "POST" else self.endpoint

    @property
    def parameters(self) -> tuple[str, ...]:
        return _parameters()[self.endpoint]


@cache
def _parameters() -> Mapping[str, tuple[str, ...]]:
    text = files(__package__).joinpath("parameters.json").read_text(encoding="utf-8")
    return {endpoint: tuple(names) for endpoint, names in json.loads(text).items()}
