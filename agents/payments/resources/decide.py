"""What to do with a command about a resource, decided on values alone: no clock, no I/O."""

from datetime import datetime
from typing import Final

from agents.ledger import Claim
from agents.payments.decide import ask_first, not_begun, not_now
from agents.payments.decisions import Call, Decision, Promise, Refuse
from schemas.payments import Reason
from schemas.payments.resources import (
    ACCEPTED,
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreateLink,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    DeleteLink,
    QuerySubscription,
    RegisterSubMerchant,
    Resource,
    ResourceOrder,
    RetrySubscriptionCharge,
    SendLink,
    StoreCard,
    TakeResourceNotice,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from schemas.verdicts import FailureClass

_CREATIONS: Final = frozenset(
    {StoreCard, CreateProduct, CreatePlan, CreateSubscription, RegisterSubMerchant, CreateLink}
)
_REPEATABLE: Final = (DeleteCard, DeleteLink, SendLink)
"""Whatever is open, these may be done once more: the provider's own name is known, and no question would settle it."""
_CHANGES: Final = (
    ActivateSubscription,
    UpgradeSubscription,
    RetrySubscriptionCharge,
    CancelSubscription,
    ChangeSubscriptionCard,
    UpdateSubMerchant,
)


def decide(
    claim: Claim,
    resource: Resource,
    command: ResourceOrder,
    promise: Promise | None,
    *,
    now: datetime,
    withdrawn: str | None = None,
) -> Decision:
    """The next step for a claimed command; as for payments, with the state of the resource."""
    return (
        not_now(claim)
        or ask_first(claim, None, promise)
        or not_begun(command.expires_at, None, now=now, withdrawn=withdrawn)
        or refusal_of(command, resource)
        or Call(None)
    )


def makes_resource(command: type[ResourceOrder]) -> bool:
    """Whether a resource begins with such a command."""
    return command in _CREATIONS


def refusal_of(command: ResourceOrder, resource: Resource) -> Refuse | None:
    """Why the resource's state forbids the command; `None` when it does not."""
    if isinstance(command, TakeResourceNotice) and resource.kind not in {None, "subscription"}:
        return _unaskable(command, resource)
    kind = ACCEPTED[type(command)].kind
    if kind != "question" and resource.kind not in {None, kind}:
        return _state(Reason.INVALID_STATE, f"the resource is a {_words(resource.kind)}, and no {_words(kind)}")
    if makes_resource(type(command)):
        return _creation_refusal(resource)
    if resource.stage == "ended" and isinstance(command, (*_REPEATABLE, *_CHANGES)):
        return _state(Reason.RESOURCE_ENDED, f"the {_words(kind)} has ended; nothing can be done with it any more")
    if _names_it_itself(command):
        return None
    match command:
        case QuerySubscription() | TakeResourceNotice():
            return _missing(resource) if resource.stage == "new" else None
        case DeleteCard() | DeleteLink() | SendLink():
            return _unnamed_refusal(resource)
        case _ if isinstance(command, _CHANGES):
            if resource.stage == "unsettled":
                return _unsettled("an earlier outcome is unknown; query it first, which settles it")
            if isinstance(command, RetrySubscriptionCharge) and _is_open(resource, command):
                return _unsettled("an earlier try is under way; query the subscription first to see how it ended")
            return _unnamed_refusal(resource)
        case _:
            return None  # a question that needs nothing to be there


def _creation_refusal(resource: Resource) -> Refuse | None:
    if resource.stage == "new":
        return None
    if resource.stage == "unsettled" and resource.provider_reference is None:
        return _unsettled("an earlier creation's outcome is unknown; look it up, or use a new resource_id")
    return _state(Reason.RESOURCE_EXISTS, "this resource_id has been created already; use a new one")


def _unnamed_refusal(resource: Resource) -> Refuse | None:
    """Of a command that names nothing itself, so that the hub has to know how the provider calls it."""
    if resource.stage == "new":
        return _missing(resource)
    if resource.provider_reference is None:
        return _unsettled("the provider's own name of it is not known yet; query it, or wait for the buyer")
    return None


def _is_open(resource: Resource, command: ResourceOrder) -> bool:
    return any(known.command_type == command.type for known in resource.open_commands)


def _names_it_itself(command: ResourceOrder) -> bool:
    """Whether it says how the provider calls what it is about, so that the hub need not know it."""
    match command:
        case DeleteCard():
            return command.card_token is not None
        case ChangeSubscriptionCard():
            return True  # it names the buyer, whose card it is
        case TakeResourceNotice():
            return command.provider_reference is not None
        case _:
            return False


def _unaskable(notice: TakeResourceNotice, resource: Resource) -> Refuse:
    """Of a link that was paid on, say: its provider's call is kept, and the money stands in the provider's books."""
    paid = "what it told of" if notice.order_reference is None else f"order {notice.order_reference}"
    detail = f"no provider is asked about a {_words(resource.kind)}; find {paid} by listing the day's transactions"
    return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)


def _missing(resource: Resource) -> Refuse:
    return _state(Reason.RESOURCE_NOT_FOUND, f"no resource {resource.resource_id} was created here")


def _unsettled(detail: str) -> Refuse:
    return _state(Reason.RESOURCE_UNSETTLED, detail)


def _state(reason: Reason, detail: str) -> Refuse:
    return Refuse(reason, FailureClass.STATE, detail)


def _words(kind: str | None) -> str:
    return (kind or "resource").replace("_", "-")
