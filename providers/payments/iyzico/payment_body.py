"""What every way of starting a payment tells iyzico: the order, who buys, and the card where the hub knows one.

Source: README, "Payment request".
"""

from typing import Any

from providers.connector import Attempt, Card, Unsayable
from providers.payments.iyzico.amounts import to_wire
from schemas.payments import Address, BasketLine, Buyer, CardRef, CreatePayment, Reason, StoredCard


def order_of(command: CreatePayment, attempt: Attempt) -> dict[str, Any]:
    """All but how it is paid."""
    return {
        "conversationId": attempt.reference,
        "price": to_wire(command.price),
        "paidPrice": to_wire(command.paid_price),
        "currency": command.paid_price.currency,
        "basketId": command.order_id,
        "paymentChannel": "WEB",
        "paymentGroup": "PRODUCT",
        "buyer": _buyer(command.buyer),
        "shippingAddress": None if command.shipping_address is None else address_fields(command.shipping_address),
        "billingAddress": address_fields(command.billing_address),
        "basketItems": [_item(line) for line in command.basket],
    }


def paid_by_card(command: CreatePayment, attempt: Attempt) -> dict[str, Any]:
    """The card and in how many parts it pays.

    Raises:
        Unsayable: the payment is made with no card, or the card is gone.
    """
    return {"installment": command.instalments, "paymentCard": _card(command, attempt)}


def _card(command: CreatePayment, attempt: Attempt) -> dict[str, Any]:
    match command.method:
        case StoredCard(card_token=token, customer_key=key):
            return {"cardUserKey": key or command.customer_key, "cardToken": token}
        case CardRef() if command.store_card:
            return card_with_code(vault_card(attempt)) | {"registerCard": 1, "cardUserKey": command.customer_key}
        case CardRef():
            return card_with_code(vault_card(attempt)) | {"registerCard": 0}
        case _:
            raise Unsayable(
                Reason.UNSUPPORTED_METHOD, f"{command.method.kind} is not taken for this; send a card or a stored card"
            )


def vault_card(attempt: Attempt) -> Card:
    """The card that was opened for this send.

    Raises:
        Unsayable: it is gone.
    """
    if attempt.card is None:
        raise Unsayable(Reason.CARD_EXPIRED, "the card is no longer in the vault; ask the payer for it again")
    return attempt.card


def card_fields(card: Card) -> dict[str, Any]:
    return {
        "cardHolderName": card.holder.get_secret_value(),
        "cardNumber": card.number.get_secret_value(),
        "expireMonth": card.expiry_month.get_secret_value(),
        "expireYear": card.expiry_year.get_secret_value(),
    }


def card_with_code(card: Card) -> dict[str, Any]:
    code = card.verification_code
    return card_fields(card) | {"cvc": None if code is None else code.get_secret_value()}


def _buyer(buyer: Buyer) -> dict[str, Any]:
    return {
        "id": buyer.buyer_id,
        "name": buyer.name,
        "surname": buyer.surname,
        "identityNumber": buyer.identity_number,
        "email": buyer.email,
        "gsmNumber": buyer.phone,
        "registrationAddress": buyer.address.line,
        "city": buyer.address.city,
        "country": buyer.address.country,
        "zipCode": buyer.address.zip_code,
        "ip": buyer.ip,
    }


def address_fields(address: Address) -> dict[str, Any]:
    return {
        "contactName": address.contact_name,
        "address": address.line,
        "city": address.city,
        "country": address.country,
        "zipCode": address.zip_code,
    }


def _item(line: BasketLine) -> dict[str, Any]:
    share = line.merchant_share
    return {
        "id": line.line_id,
        "name": line.name,
        "category1": line.category,
        "itemType": "PHYSICAL" if line.goods == "physical" else "VIRTUAL",
        "price": to_wire(line.price),
        "subMerchantKey": None if share is None else share.merchant_key,
        "subMerchantPrice": None if share is None else to_wire(share.amount),
    }
