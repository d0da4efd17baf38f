"""`payment_source`: what an order is paid with, and what the payer sees on the way.

Source: README, "Orders".
"""

import re
from typing import Any, Final, Literal

from providers.connector import Attempt, Card, Unsayable
from providers.payments.paypal.vaulted import WALLET
from schemas.payments import (
    Address,
    CardRef,
    CreatePayment,
    HostedPage,
    Reason,
    StartThreeDSecure,
    StoredCard,
    Wallet,
)

_WALLET_NAME: Final = "paypal"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")

Landing = Literal["LOGIN", "GUEST_CHECKOUT"]


def source_of(command: CreatePayment, attempt: Attempt) -> dict[str, Any]:
    """Raises `Unsayable` for what PayPal has no words for."""
    method = command.method
    match method:
        case Wallet(wallet=wallet) if wallet != _WALLET_NAME:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"the one wallet here is {_WALLET_NAME}; send it, or a card")
        case Wallet(return_url=back):
            return {"paypal": {**_page(command, back, "LOGIN"), "attributes": _keep_wallet(command)}}
        case HostedPage(return_url=back):
            return {"paypal": {**_page(command, back, "GUEST_CHECKOUT"), "attributes": _keep_wallet(command)}}
        case StoredCard(card_token=token) if token.startswith(WALLET):
            return {"paypal": {"vault_id": token.removeprefix(WALLET), **_return(command)}}
        case StoredCard(card_token=token):
            kept = {"vault_id": token, "stored_credential": _stored_credential(command), **_return(command)}
            return {"card": {**kept, "attributes": _verification(command) or None}}
        case CardRef():
            attributes = {**_verification(command), **(_keep_card(command) or {})}
            fields = {**card_fields(vault_card(attempt), command.billing_address), **_return(command)}
            return {"card": {**fields, "attributes": attributes or None}}
        case _:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"PayPal is not paid by {method.kind} here")


def is_page(command: CreatePayment) -> bool:
    """Whether the payer pays on PayPal's page, so that nothing moves before a completion."""
    return isinstance(command.method, HostedPage | Wallet)


def shipping_of(command: CreatePayment) -> dict[str, Any] | None:
    """Where to, where their form can say it: countries are two letters there, and free text in the hub."""
    address = command.shipping_address
    if address is None or not _COUNTRY.fullmatch(address.country):
        return None
    return {"name": {"full_name": address.contact_name}, "address": _address(address)}


def card_fields(card: Card, billing: Address | None = None) -> dict[str, Any]:
    code = card.verification_code
    return {
        "number": card.number.get_secret_value(),
        "expiry": f"{card.expiry_year.get_secret_value()}-{card.expiry_month.get_secret_value():0>2}",
        "security_code": None if code is None else code.get_secret_value(),
        "name": card.holder.get_secret_value(),
        "billing_address": None if billing is None or not _COUNTRY.fullmatch(billing.country) else _address(billing),
    }


def vault_card(attempt: Attempt) -> Card:
    if attempt.card is None:
        raise Unsayable(Reason.CARD_EXPIRED, "the card is not in the hub's vault any more; ask the payer for it again")
    return attempt.card


def _page(command: CreatePayment, back: str, landing: Landing) -> dict[str, Any]:
    shipping = "NO_SHIPPING" if shipping_of(command) is None else "SET_PROVIDED_ADDRESS"
    return {
        "experience_context": {
            "return_url": back,
            "cancel_url": back,
            "user_action": "PAY_NOW",
            "landing_page": landing,
            "shipping_preference": shipping,
        }
    }


def _return(command: CreatePayment) -> dict[str, Any]:
    """Where the payer comes back to, should the bank or PayPal want to see them."""
    if not isinstance(command, StartThreeDSecure):
        return {}
    return {"experience_context": {"return_url": command.return_url, "cancel_url": command.return_url}}


def _verification(command: CreatePayment) -> dict[str, Any]:
    """3-D Secure always where it was asked for; else their default, whenever the law wants it."""
    return {"verification": {"method": "SCA_ALWAYS"}} if isinstance(command, StartThreeDSecure) else {}


def _stored_credential(command: CreatePayment) -> dict[str, str]:
    if command.without_payer:
        return {"payment_initiator": "MERCHANT", "payment_type": "UNSCHEDULED", "usage": "SUBSEQUENT"}
    return {"payment_initiator": "CUSTOMER", "payment_type": "ONE_TIME", "usage": "SUBSEQUENT"}


def _keep_card(command: CreatePayment) -> dict[str, Any] | None:
    if not command.store_card:
        return None
    return {"vault": {"store_in_vault": "ON_SUCCESS"}, "customer": _customer(command)}


def _keep_wallet(command: CreatePayment) -> dict[str, Any] | None:
    if not command.store_card:
        return None
    vault = {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT", "customer_type": "CONSUMER"}
    return {"vault": vault, "customer": _customer(command)}


def _customer(command: CreatePayment) -> dict[str, str] | None:
    return None if command.customer_key is None else {"id": command.customer_key}


def _address(address: Address) -> dict[str, Any]:
    return {
        "address_line_1": address.line,
        "admin_area_2": address.city,
        "postal_code": address.zip_code,
        "country_code": address.country,
    }
