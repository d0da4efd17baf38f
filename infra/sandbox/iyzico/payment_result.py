"""The payment result: one shape for charge, hold, capture and detail.

Amounts are exact decimals whose trailing zeros differ from field to field, as in the real answers, so that a client
which reads them through binary floats or signs them unstripped is found out.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from infra.sandbox.iyzico.amounts import eight_decimals, short, two_decimals
from infra.sandbox.iyzico.cards import CARD_BY_NAME, Card
from infra.sandbox.iyzico.records import BookedLine, BookedPayment

_RATE = Decimal("0.0299")
_FEE = Decimal("0.25")
_ISTANBUL = timedelta(hours=3)
_BLOCKAGE = timedelta(days=7)


def payment_result(payment: BookedPayment) -> dict[str, object]:
    """`paidPrice` is what was captured, or, while only held, what is held."""
    card = CARD_BY_NAME.get(payment.card_name)  # none for a bank transfer and a wallet's balance
    price, paid = two_decimals(payment.price_minor), two_decimals(shown_paid_minor(payment))
    surcharge = max(paid - price, Decimal(0))
    approved = payment.error_code is None and payment.stage is None
    return {
        "price": short(payment.price_minor),
        "paidPrice": paid,
        "installment": payment.installment,
        "paymentId": payment.payment_id,
        "fraudStatus": payment.fraud_status,
        "merchantCommissionRate": eight_decimals(surcharge * 100 / price),
        "merchantCommissionRateAmount": eight_decimals(surcharge),
        "iyziCommissionRateAmount": eight_decimals(paid * _RATE),
        "iyziCommissionFee": eight_decimals(_FEE),
        **(_described(card) if card else {}),
        "cardToken": payment.card_token,
        "cardUserKey": payment.card_user_key,
        "basketId": payment.basket_id,
        "currency": payment.currency,
        "itemTransactions": [line_result(payment, index, line) for index, line in enumerate(payment.lines)],
        "authCode": auth_code(payment) if approved else None,
        "phase": phase(payment),
        "mdStatus": payment.md_status,
        "hostReference": host_reference(payment) if approved else None,
    }


def _described(card: Card) -> dict[str, object]:
    return card.described() | {"binNumber": card.bin_number, "lastFourDigits": card.last_four}


def shown_paid_minor(payment: BookedPayment) -> int:
    return payment.paid_minor if payment.captured_ms is None else payment.captured_minor


def phase(payment: BookedPayment) -> str:
    if payment.kind == "auth":
        return "AUTH"
    return "PRE_AUTH" if payment.captured_ms is None else "POST_AUTH"


def auth_code(payment: BookedPayment) -> str:
    return payment.payment_id[-6:]


def host_reference(payment: BookedPayment) -> str:
    return f"bank-{payment.payment_id}"


def in_istanbul(epoch_ms: int) -> datetime:
    """Türkiye's wall clock, UTC+3 all year since 2016; without a zone, as iyzico prints it."""
    return (datetime.fromtimestamp(epoch_ms // 1000, UTC) + _ISTANBUL).replace(tzinfo=None)


def line_result(payment: BookedPayment, index: int, line: BookedLine) -> dict[str, object]:
    """One line with its commissions; what is left is the merchant's, and a sub-merchant's share."""
    paid, price = two_decimals(line.paid_minor), two_decimals(line.price_minor)
    fee = _FEE if index == 0 else Decimal(0)  # the flat fee of a payment is shown on its first line
    rate_amount = paid * _RATE
    surcharge = max(paid - price, Decimal(0))
    share = two_decimals(line.sub_merchant_minor)
    payout = eight_decimals(paid - rate_amount - fee - share)
    return {
        "itemId": line.item_id,
        "paymentTransactionId": line.payment_transaction_id,
        "transactionStatus": {0: 0, -1: -1}.get(payment.fraud_status, 2 if line.approved else 1),
        "price": eight_decimals(price),
        "paidPrice": eight_decimals(paid),
        "merchantCommissionRate": eight_decimals(surcharge * 100 / price),
        "merchantCommissionRateAmount": eight_decimals(surcharge),
        "iyziCommissionRateAmount": eight_decimals(rate_amount),
        "iyziCommissionFee": eight_decimals(fee),
        "blockageRate": eight_decimals(Decimal(0)),
        "blockageResolvedDate": (in_istanbul(payment.created_ms) + _BLOCKAGE).isoformat(" "),
        "merchantPayoutAmount": payout,
        **(_share(line.sub_merchant_key, share) if line.sub_merchant_key else {}),
        "convertedPayout": {
            "paidPrice": eight_decimals(paid),
            "iyziCommissionRateAmount": eight_decimals(rate_amount),
            "iyziCommissionFee": eight_decimals(fee),
            "merchantPayoutAmount": payout,
            "subMerchantPayoutAmount": eight_decimals(share),
            "iyziConversionRate": 0,
            "iyziConversionRateAmount": 0,
            "currency": payment.currency,
        },
    }


def _share(key: str, share: Decimal) -> dict[str, object]:
    return {
        "subMerchantKey": key,
        "subMerchantPrice": eight_decimals(share),
        "subMerchantPayoutRate": eight_decimals(Decimal(0)),
        "subMerchantPayoutAmount": eight_decimals(share),
    }
