"""What every way of starting a payment tells iyzico: the order, who buys, and the card where the hub knows one.

Source: README, "Payment request".
"""

from typing import Any

from providers.connector import Attempt, Unsayable
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
        "shippingAddress": None if command.shipping_address is None else _address(command.shipping_address),
        "billingAddress": _address(command.billing_address),
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
        case CardRef():
            card = attempt.card
            if card is None:
                raise Unsayable(Reason.CARD_EXPIRED, "the card is no longer in the vault; ask the payer for it again")
            code = card.verification_code
            return {
                "cardHolderName": card.holder.get_secret_value(),
                "cardNumber": card.number.get_secret_value(),
                "expireMonth": card.expiry_month.get_secret_value(),
                "expireYear": card.expiry_year.get_secret_value(),
                "cvc": None if code is None else code.get_secret_value(),
                "registerCard": 1 if command.store_card else 0,
                "cardUserKey": command.customer_key if command.store_card else None,
            }
        case _:
            raise Unsayable(
                Reason.UNSUPPORTED_METHOD, f"{command.method.kind} is not taken for this; send a card or a stored card"
            )


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


def _address(address: Address) -> dict[str, Any]:
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
