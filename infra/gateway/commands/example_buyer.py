"""Who buys in the examples, and where she lives."""

from typing import Final

ADDRESS: Final = {
    "contact_name": "Işıl Çağrı",
    "line": "Bağdat Cad. 42/7, Kadıköy",
    "city": "İstanbul",
    "country": "Turkey",
}
BUYER: Final = {
    "buyer_id": "buyer-7",
    "name": "Işıl",
    "surname": "Çağrı",
    "email": "isil@example.com",
    "identity_number": "74300864791",
    "address": ADDRESS,
}
