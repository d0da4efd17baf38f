"""What the tests of iyzico's bank page and of its hosted pages have in common."""

from infra.sandbox.iyzico import BookedPayment
from tests.sandbox_sdk import Sdk

SHOP = "https://shop.example/odeme/donus?siparis=1&x=ğ"
VISA, MASTERCARD = "4543590000000006", "5526080000000006"


def booked(sdk: Sdk, payment_id: str) -> BookedPayment:
    return next(payment for payment in sdk.sandbox.books.entries() if payment.payment_id == payment_id)
