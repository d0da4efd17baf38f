"""The buyer's pages as HTML: the bank's, the hosted one, and the way back. Pure."""

from decimal import Decimal

from infra.sandbox.html import button, checkbox, choice, field, form, hidden, leading_form, page, paragraph
from infra.sandbox.iyzico.amounts import two_decimals
from infra.sandbox.iyzico.bank_page import Return
from infra.sandbox.iyzico.bins import total_with_surcharge
from infra.sandbox.iyzico.buyer import AtTheBank, AtTheCheckout
from infra.sandbox.iyzico.cards import CARD_BY_NAME
from infra.sandbox.iyzico.errors import Refused


def bank_html(there: AtTheBank) -> str:
    """A code to type, and a button to give up; once answered, the way back to the merchant."""
    if there.back is not None:
        return back_html(there.back)
    payment = there.payment
    amount = f"{two_decimals(payment.paid_minor)} {payment.currency}"
    wrong = there.page.wrong_codes
    return page(
        "Your bank asks",
        paragraph(f"Payment of {amount} with the card ending in {CARD_BY_NAME[payment.card_name].last_four}."),
        paragraph("The code is wrong. Please try again.", alert=True) if wrong else "",
        form(
            f"/pages/bank/{there.page.key}/answer",
            field("code", "Code from the text message"),
            button("Confirm", "answer", "confirm"),
            button("Cancel", "answer", "cancel"),
        ),
    )


def checkout_html(there: AtTheCheckout, now_ms: int, refused: Refused | None = None) -> str:
    """The hosted page: cards, and what else pays there; after a success, the way back to the merchant."""
    checkout = there.checkout
    payment = there.payment
    if payment is not None and payment.status in ("SUCCESS", "INIT_BANK_TRANSFER"):
        return back_html(there.back)
    if checkout.result is not None:
        return back_html(there.back)
    if checkout.expired(now_ms):
        return page("Too late", paragraph("This page has expired.", alert=True), _leave(there))
    if refused is None and payment is not None and payment.error_code is not None:
        refused = Refused(payment.error_code, group=payment.error_group)
    action = f"/pages/checkout/{checkout.token}"
    pays = "order" in checkout.terms
    stored = [form(f"{action}/card", *_stored_fields(there, token, alias)) for token, alias, _ in there.cards]
    return page(
        "Payment" if pays else "Your card",
        _asked(there),
        paragraph(refused.message("en"), alert=True) if refused else "",
        *stored,
        form(f"{action}/card", *_card_fields(), *(_installments(there)), button("Pay" if pays else "Continue")),
        form(f"{action}/transfer", button("Pay by bank transfer")) if checkout.kind == "auth" else "",
        form(f"{action}/wallet", button("Pay with my balance")) if checkout.kind == "wallet" else "",
        _leave(there),
    )


def back_html(back: Return) -> str:
    """A page that posts the way back, by itself or at the press of its button."""
    return leading_form(back.url, back.fields, "Return to the shop")


def gone_html(refused: Refused) -> str:
    """A page that is not there, or a button that it has not."""
    return page("Not found", paragraph(refused.message("en"), alert=True))


def _asked(there: AtTheCheckout) -> str:
    if "order" not in there.checkout.terms:
        return paragraph("Please enter the card that shall pay from now on.")
    order = there.checkout.order
    return paragraph(f"{two_decimals(order.paid_minor)} {order.currency}")


def _card_fields() -> tuple[str, ...]:
    return (
        field("cardHolderName", "Name on the card"),
        field("cardNumber", "Card number"),
        field("expireMonth", "Month (MM)"),
        field("expireYear", "Year (YYYY)"),
        field("cvc", "CVC"),
    )


def _installments(there: AtTheCheckout) -> tuple[str, ...]:
    if "order" not in there.checkout.terms:
        return ()
    return (_counts(there), checkbox("storeCard", "Keep this card for next time"))


def _stored_fields(there: AtTheCheckout, token: str, alias: str | None) -> tuple[str, ...]:
    return (
        hidden("cardToken", token),
        _counts(there),
        button(f"Pay with {alias or 'the stored card'}"),
    )


def _counts(there: AtTheCheckout) -> str:
    order = there.checkout.order
    price = two_decimals(order.paid_minor)
    rows = [(str(number), _count(number, price, order.currency)) for number in there.checkout.terms["installments"]]
    return choice("installment", "Instalments", rows)


def _count(number: int, price: Decimal, currency: str) -> str:
    total = total_with_surcharge(number, price)
    return f"at once, {total} {currency}" if number == 1 else f"{number} instalments, {total} {currency} in all"


def _leave(there: AtTheCheckout) -> str:
    return form(f"/pages/checkout/{there.checkout.token}/leave", button("Return to the shop"))
