"""What an operation takes from a resource as the hub knows it."""

from providers.connector import Attempt, Unsayable
from schemas.payments import Reason


def reference_of(attempt: Attempt) -> str:
    """The resource's own id at PayPal.

    Raises:
        Unsayable: it is not known, so that nothing can be done with it yet.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    if known is None:
        raise Unsayable(Reason.INVALID_STATE, "PayPal's id of it is not known here; a later answer brings it")
    return known
