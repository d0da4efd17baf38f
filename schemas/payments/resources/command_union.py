"""Every command about a resource."""

from typing import Final

from schemas.payments.resources.orders import ResourceOrder
from schemas.payments.resources.results import ACCEPTED

ResourceCommand = ResourceOrder
RESOURCE_COMMANDS: Final[tuple[type[ResourceOrder], ...]] = tuple(ACCEPTED)
"""Each of them has its accepted result."""
