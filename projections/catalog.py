"""All projections."""

from typing import Final

from projections.audit.write import AUDIT
from projections.dead_letters import DEAD_LETTERS
from projections.disputes import DISPUTES
from projections.health import HEALTH
from projections.integrations import INTEGRATIONS
from projections.jobs import JOBS
from projections.metrics import METRICS
from projections.payments import PAYMENTS
from projections.projection import Projection
from projections.rate_limits import RATE_LIMITS
from projections.resources import RESOURCES
from projections.webhooks import WEBHOOKS
from schemas.errors import SettingsError

PROJECTIONS: Final = (
    AUDIT,
    METRICS,
    PAYMENTS,
    RESOURCES,
    DISPUTES,
    HEALTH,
    RATE_LIMITS,
    INTEGRATIONS,
    JOBS,
    DEAD_LETTERS,
    WEBHOOKS,
)


def projection(name: str) -> Projection:
    """The projection of this name.

    Raises:
        SettingsError: there is none.
    """
    for found in PROJECTIONS:
        if found.name == name:
            return found
    raise SettingsError(f"no projection is called {name!r}; there are {', '.join(p.name for p in PROJECTIONS)}")
