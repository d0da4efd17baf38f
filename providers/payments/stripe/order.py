"""What all ways of paying take from a creation."""

from providers.connector import Unsayable
from schemas.payments import CreatePayment, HostedPage, Reason, StoredCard


def require_plain(command: CreatePayment) -> None:
    """Raises: Unsayable: it is paid in parts, or shared with others."""
    if command.instalments != 1:
        raise Unsayable(Reason.INSTALMENTS_NOT_PERMITTED, "Stripe takes it at once here; send instalments 1")
    if any(line.merchant_share is not None for line in command.basket):
        detail = "shares of other merchants are not passed on to Stripe; send the basket without merchant_share"
        raise Unsayable(Reason.UNSUPPORTED_OPERATION, detail)


def customer_of(command: CreatePayment) -> str | None:
    match command.method:
        case StoredCard(customer_key=key) | HostedPage(customer_key=key) if key is not None:
            return key
        case _:
            return command.customer_key
