"""A resource as its results tell it: what the ledger keeps for its key, and what decisions are made on."""

from typing import Final, Literal, Self
from uuid import UUID

from schemas.base import Frozen
from schemas.payments.kept_card import KeptCard
from schemas.payments.open_outcomes import OpenCommand
from schemas.payments.resources.cards import CardDeletion
from schemas.payments.resources.results import (
    ACCEPTED,
    Kind,
    LinkDeleted,
    ResourceAccepted,
    ResourcePending,
    ResourceResult,
    ResourceUnknown,
)
from schemas.payments.resources.subscriptions import SubscriptionDetails

ResourceStage = Literal["new", "pending", "active", "ended", "unsettled"]
_QUESTIONS: Final = frozenset(model.type for model in ACCEPTED if not model.moves)
_KINDS: Final[dict[str, Kind]] = {model.type: result.kind for model, result in ACCEPTED.items()}


class Resource(Frozen):
    """What stands at a provider under one key.

    In stage `unsettled` a command's outcome stayed unknown; which one stands in `open_commands`.
    """

    resource_id: UUID
    kind: Kind | None = None
    stage: ResourceStage = "new"
    integration_id: str | None = None
    provider: str | None = None
    provider_reference: str | None = None
    """The provider's own id of it: a card's token, a plan's or a subscription's reference, a sub-merchant's key."""
    create_reference: str | None = None
    """The reference that we sent with its creation."""
    customer_reference: str | None = None
    """The provider's own id of the buyer, where one belongs to it."""
    item_reference: str | None = None
    """Of a subscription: the provider's own id of the line that names its plan."""
    open_commands: tuple[OpenCommand, ...] = ()

    def after(self, result: ResourceResult) -> Self:
        """The resource once `result` holds. Pure; refusals, mere answers and questions without one change nothing."""
        match result:
            case ResourceAccepted() if result.kind != "question":
                return self._accepted(result)
            case ResourcePending() | ResourceUnknown() if result.command_type in _QUESTIONS:
                return self
            case ResourcePending():
                # What waits for the buyer beside it neither ends nor settles what is there.
                stage = "pending" if self.stage == "new" else self.stage
                return self.model_copy(update={"stage": stage, **self._named(result), **self._opened(result)})
            case ResourceUnknown():
                return self.model_copy(update={"stage": "unsettled", **self._named(result), **self._opened(result)})
            case _:
                return self

    def _accepted(self, result: ResourceAccepted) -> Self:
        details: object = getattr(result, "details", None)
        stage: ResourceStage = "active"
        customer, item = self.customer_reference, self.item_reference
        match details:
            case SubscriptionDetails(state="pending", subscription_reference=None) if result.command_type in _QUESTIONS:
                # The buyer has not finished the provider's page: what was begun is as open as before.
                return self.model_copy(update={"kind": result.kind})
            case CardDeletion():
                stage = "ended"
            case KeptCard():
                customer = details.customer_key or customer
            case SubscriptionDetails():
                customer = details.customer_reference or customer
                item = details.item_reference or item
                ended = details.state in {"cancelled", "expired", "upgraded"}
                stage = "ended" if ended else "pending" if details.state == "pending" else "active"
            case _ if isinstance(result, LinkDeleted):
                stage = "ended"
        changes = {"kind": result.kind, "stage": stage, "customer_reference": customer, "item_reference": item}
        return self.model_copy(update={**changes, "open_commands": (), **self._named(result)})

    def _opened(self, result: ResourcePending | ResourceUnknown) -> dict[str, object]:
        reference = None if result.performed is None else result.performed.our_reference
        opened = OpenCommand(
            command_id=result.command_id,
            command_type=result.command_type,
            verdict=result.verdict,
            reference=reference,
        )
        return {"kind": self.kind or _KINDS.get(result.command_type), "open_commands": (*self.open_commands, opened)}

    def _named(self, result: ResourceResult) -> dict[str, object]:
        """Where it is, and under which names; what is known stays where a later result does not say it.

        A question's own reference is no name of the resource.
        """
        told = result.performed
        if told is None:
            return {}
        sent = None if result.command_type in _QUESTIONS else told.our_reference
        return {
            "integration_id": told.integration_id,
            "provider": told.provider,
            "provider_reference": told.provider_reference or self.provider_reference,
            "create_reference": self.create_reference or sent,
        }
