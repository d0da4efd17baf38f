"""Taking or holding a payment: `/payment/auth` and `/payment/preauth`. Neither is idempotent.

Source: README, "Payment request", "Payment result".
"""

from typing import Any

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting
from providers.payments.iyzico.amounts import to_wire
from providers.payments.iyzico.detail import Standing, ask_by_reference, standing_of
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.result import HELD, contradiction, performed
from providers.payments.iyzico.wire import PaymentReply, post
from schemas.payments import Address, BasketLine, Buyer, CardRef, CreatePayment, Reason, StoredCard
from schemas.verdicts import Verdict


def build_create(command: CreatePayment, attempt: Attempt) -> Request:
    return post(
        "/payment/auth" if command.capture == "auto" else "/payment/preauth",
        {
            "conversationId": attempt.reference,
            "price": to_wire(command.price),
            "paidPrice": to_wire(command.paid_price),
            "currency": command.paid_price.currency,
            "installment": command.instalments,
            "basketId": command.order_id,
            "paymentChannel": "WEB",
            "paymentGroup": "PRODUCT",
            "paymentCard": _card(command, attempt),
            "buyer": _buyer(command.buyer),
            "shippingAddress": None if command.shipping_address is None else _address(command.shipping_address),
            "billingAddress": _address(command.billing_address),
            "basketItems": [_item(line) for line in command.basket],
        },
    )


def read_create(reply: PaymentReply, command: CreatePayment, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _as_asked(performed(reply), reply.phase, command)


def build_inquiry(_command: CreatePayment, attempt: Attempt) -> Request:
    return ask_by_reference(attempt.reference, attempt)


def read_inquiry(reply: PaymentReply, command: CreatePayment, _attempt: Attempt) -> Finding:
    standing, outcome = standing_of(reply)
    match standing:
        case Standing.ABSENT:
            return Finding(Sighting.ABSENT)
        case Standing.RUNNING:
            return Finding(Sighting.RUNNING)
        case Standing.ENDED:
            return Finding(Sighting.CONCLUDED, _as_asked(outcome, reply.phase, command))


def _as_asked(outcome: Outcome, phase: str | None, command: CreatePayment) -> Outcome:
    """A charge where a hold was asked for, or the reverse, is no success of either."""
    if outcome.verdict not in {Verdict.ACCEPTED, Verdict.PENDING} or phase is None:
        return outcome
    if command.capture == "auto" and phase == HELD:
        return contradiction(outcome, "a charge was asked for and a hold was made; capture or cancel it by hand")
    if command.capture == "manual" and phase != HELD:
        return contradiction(outcome, "a hold was asked for and a charge was made; refund it or keep it by hand")
    return outcome


def _card(command: CreatePayment, attempt: Attempt) -> dict[str, Any]:
    match command.method:
        case StoredCard(card_token=token, customer_key=key):
            return {"cardUserKey": key, "cardToken": token}
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
                "registerCard": 0,
            }
        case _:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"{command.method.kind} is not taken; send a stored card")


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
