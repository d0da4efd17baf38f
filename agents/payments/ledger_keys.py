"""The ledger's keys: the capability, a slash, and the id that commands and results are keyed by in the log."""

from typing import Final
from uuid import UUID

from schemas.payments.order import PaymentOrder
from schemas.payments.resources import ResourceOrder, ResourceResult
from schemas.payments.results import CommandResult

PAYMENTS: Final = "payments/"
RESOURCES: Final = "resources/"


def ledger_key(body: PaymentOrder | ResourceOrder | CommandResult | ResourceResult) -> str:
    """The key of what a command or result is about. A payment and a resource of one id are two things."""
    of_resource = isinstance(body, ResourceOrder | ResourceResult)
    return f"{RESOURCES if of_resource else PAYMENTS}{body.key}"


def is_of_resource(key: str) -> bool:
    return key.startswith(RESOURCES)


def id_in(key: str) -> UUID:
    """The payment's or resource's id; also how its records are keyed."""
    return UUID(key.partition("/")[2])
