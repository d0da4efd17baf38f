"""What an operation takes from a resource as the hub knows it."""

from providers.connector import Attempt, Unsayable
from schemas.payments import Reason
from schemas.payments.resources import CreateSubscription


def reference_of(attempt: Attempt) -> str:
    """The resource's own name at iyzico.

    Raises:
        Unsayable: it is not known, so that nothing can be done with it yet.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    if known is None:
        raise Unsayable(Reason.INVALID_STATE, "iyzico's name of it is not known; create it first, or query it")
    return known


def customer_of(attempt: Attempt) -> str | None:
    return None if attempt.resource is None else attempt.resource.customer_reference


def form_token_of(attempt: Attempt) -> str | None:
    """The token of iyzico's page while the buyer has not finished it: until then it is all that a subscription has."""
    known = attempt.resource
    if known is None:
        return None
    begun = CreateSubscription.type
    open_form = any(one.command_type == begun and one.verdict == "pending" for one in known.open_commands)
    return known.provider_reference if open_form else None


def subscription_of(attempt: Attempt) -> str:
    """The subscription's reference.

    Raises:
        Unsayable: it is not known yet.
    """
    if form_token_of(attempt) is not None:
        detail = "the buyer has not finished iyzico's page, as far as is known here; query the subscription first"
        raise Unsayable(Reason.INVALID_STATE, detail)
    return reference_of(attempt)
