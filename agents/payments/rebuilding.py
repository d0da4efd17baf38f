"""For a rebuild: what the log's results add up to, and how commands end that nobody can go on with. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from agents.payments.ledger_keys import id_in, is_of_resource
from schemas.payments import CommandUnknown, Payment, Performed, Reason
from schemas.payments.resources import Resource, ResourceResult, ResourceUnknown
from schemas.payments.vocabulary import Ending

_ABANDONED: Final = (
    "it may have been sent before the ledger was lost, and its record is no longer in the log, so that nobody can go "
    "on with it; look it up at {} by the references"
)


class Standing:
    """What stands under one key of the ledger, result by result."""

    def __init__(self, key: str) -> None:
        self.key = key
        of_resource = is_of_resource(key)
        self._payment = None if of_resource else Payment(payment_id=id_in(key))
        self._resource = Resource(resource_id=id_in(key)) if of_resource else None

    def add(self, result: Ending) -> None:
        """The next result in the order of the log."""
        if isinstance(result, ResourceResult):
            assert self._resource is not None  # noqa: S101 - for mypy alone: the key is made of the result
            self._resource = self._resource.after(result)
        else:
            assert self._payment is not None  # noqa: S101 - as above
            self._payment = self._payment.after(result)

    @property
    def deadline(self) -> tuple[str, UUID, datetime] | None:
        """The key, the command that it waits by, and until when it waits for its payer; `None` where it does not."""
        until = None if self._payment is None else self._payment.waits_until
        if self._payment is None or until is None:
            return None
        return self.key, self._payment.open_commands[0].command_id, until

    @property
    def row(self) -> tuple[str, bytes]:
        """The key and its state, as the ledger keeps it."""
        stands = self._payment or self._resource
        assert stands is not None  # noqa: S101 - for mypy alone: one of the two is there
        return self.key, stands.model_dump_json(exclude_defaults=True).encode()


def abandoned(row: Mapping[str, Any], providers: Mapping[str, str], at: datetime) -> CommandUnknown | ResourceUnknown:
    """The end of a command that nobody will be handed again: with all that is known, never as a guess.

    Args:
        row: of `rebuild_abandoned.sql`.
        providers: the provider's name of each integration.
    """
    key, integration_id, references = row["key"], row["integration_id"], tuple(row["references"])
    facts: dict[str, Any] = {
        "command_id": row["command_id"],
        "command_type": row["command_type"],
        "concluded_at": at,
        "attempts": row["attempts"],
        "performed": Performed(
            integration_id=integration_id,
            provider=providers.get(integration_id, integration_id),
            our_reference=references[0] if len(references) == 1 else None,
        ),
        "reason": Reason.OUTCOME_UNKNOWN,
        "detail": _ABANDONED.format(" and ".join(row["integrations"])),
        "references": references,
        "first_sent_at": row["first_sent_at"],
    }
    if is_of_resource(key):
        return ResourceUnknown(resource_id=id_in(key), **facts)
    return CommandUnknown(payment_id=id_in(key), **facts)
