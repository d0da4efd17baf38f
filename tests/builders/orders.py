"""What a shop says of an order: who buys, where it goes, what is in the basket."""

from typing import Any

from schemas.money import Money, Price
from schemas.payments import Address, BasketLine, Buyer


def an_address(**changed: Any) -> Address:
    given = {
        "contact_name": "Işıl Çağrı",
        "line": "Bağdat Cad. 42/7, Kadıköy",
        "city": "İstanbul",
        "country": "Turkey",
        "zip_code": "34710",
    }
    return Address(**(given | changed))


def a_buyer(**changed: Any) -> Buyer:
    given: dict[str, Any] = {
        "buyer_id": "buyer-7",
        "name": "Işıl",
        "surname": "Çağrı",
        "email": "isil@example.com",
        "identity_number": "74300864791",
        "phone": "+905350000000",
        "ip": "85.34.78.112",
        "address": an_address(),
    }
    return Buyer(**(given | changed))


def a_line(price: Money, line_id: str = "line-1", **changed: Any) -> BasketLine:
    given: dict[str, Any] = {
        "line_id": line_id,
        "name": "Seramik kupa",
        "category": "Mutfak",
        "goods": "physical",
        "price": Price(minor=price.minor, currency=price.currency),
    }
    return BasketLine(**(given | changed))
