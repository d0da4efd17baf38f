"""What the payer's browser brings back from PayPal's page: the order as `token`, and `PayerID` of one who agreed.

Nobody signs it, so that it proves neither a yes nor a no. PayPal itself knows whether the payer agreed, and completes
nothing otherwise: a completion is safe whoever came back, and is worth publishing.

Source: README, "The payer's approval".
"""

from collections.abc import Mapping, Sequence

from providers.connector import Credentials
from providers.notices import named
from providers.returns import ReturnVerdict


def read_return(fields: Mapping[str, str], _credentials: Sequence[Credentials]) -> ReturnVerdict:
    order = named(fields.get("token"))
    return ReturnVerdict(verified=False, completes=order is not None, reference=order)
