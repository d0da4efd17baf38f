"""The public test cards of iyzico's sandbox and what each one does. No other card number is accepted.

Source: iyzico's published list of sandbox cards; bank codes are the Turkish EFT codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WALLET_USER_KEY = "sandbox-wallet"

BANK_CODES: Mapping[str, int] = MappingProxyType(
    {
        "Akbank": 46,
        "Denizbank": 134,
        "QNB": 111,
        "Garanti": 62,
        "Halkbank": 12,
        "HSBC": 123,
        "İş Bankası": 64,
        "Vakıfbank": 15,
        "Yapı Kredi": 67,
    }
)


@dataclass(frozen=True, slots=True)
class Card:
    """One public card. `name` is also its token in the well-known wallet and all that the books keep of it."""

    name: str
    number: str
    kind: str = "CREDIT_CARD"
    bank: str | None = None
    family: str | None = None
    foreign: bool = False
    error_code: str | None = None
    error_group: str | None = None
    reversible: bool = True
    md_status: int = 1  # what the bank's page ends in for the right code
    starts_three_ds: bool = True

    @property
    def association(self) -> str:
        """Told by the first digits, as for any card."""
        if self.number.startswith("4"):
            return "VISA"
        if self.number.startswith(("34", "37")):
            return "AMERICAN_EXPRESS"
        return "TROY" if self.number.startswith(("9792", "65")) else "MASTER_CARD"

    @property
    def bin_number(self) -> str:
        return self.number[:8]

    @property
    def last_four(self) -> str:
        return self.number[-4:]

    def described(self) -> dict[str, object]:
        """The card fields that answers share; a debit or foreign card has no instalment family."""
        return {"cardType": self.kind, "cardAssociation": self.association, "cardFamily": self.family}


def _debit(name: str, number: str, bank: str | None, *, foreign: bool = False) -> Card:
    return Card(name, number, "DEBIT_CARD", bank, foreign=foreign)


def _credit(name: str, number: str, bank: str, family: str) -> Card:
    return Card(name, number, "CREDIT_CARD", bank, family)


def _declined(name: str, number: str, code: str, group: str | None = None) -> Card:
    return Card(name, number, bank="Garanti", family="Bonus", error_code=code, error_group=group)


CARDS: tuple[Card, ...] = (
    _debit("card-akbank-debit", "5890040000000016", "Akbank"),
    _credit("card-akbank-credit", "5526080000000006", "Akbank", "Axess"),
    _credit("card-akbank-troy-credit", "9792072000017956", "Akbank", "Axess"),
    _debit("card-denizbank-debit", "4766620000000001", "Denizbank"),
    _credit("card-denizbank-credit", "4603450000000000", "Denizbank", "Bonus"),
    _credit("card-denizbank-bonus-credit", "4729150000000005", "Denizbank", "Bonus"),
    _debit("card-qnb-debit", "4987490000000002", "QNB"),
    _credit("card-qnb-credit", "5311570000000005", "QNB", "CardFinans"),
    _debit("card-qnb-troy-debit", "9792020000000001", "QNB"),
    _debit("card-qnb-troy-debit-other", "9792023757123604", "QNB"),
    _credit("card-qnb-troy-credit", "9792030000000000", "QNB", "CardFinans"),
    _debit("card-garanti-debit", "5170410000000004", "Garanti"),
    _credit("card-garanti-credit", "5400360000000003", "Garanti", "Bonus"),
    _credit("card-garanti-amex", "374427000000003", "Garanti", "Bonus"),
    _debit("card-halkbank-debit", "4475050000000003", "Halkbank"),
    _credit("card-halkbank-credit", "5528790000000008", "Halkbank", "Paraf"),
    _debit("card-hsbc-debit", "4059030000000009", "HSBC"),
    _credit("card-hsbc-credit", "5504720000000003", "HSBC", "Advantage"),
    _debit("card-isbank-debit", "5892830000000000", "İş Bankası"),
    _credit("card-isbank-credit", "4543590000000006", "İş Bankası", "Maximum"),
    _debit("card-vakifbank-debit", "4910050000000006", "Vakıfbank"),
    _credit("card-vakifbank-credit", "4157920000000002", "Vakıfbank", "World"),
    _debit("card-vakifbank-troy-debit", "6500528865390837", "Vakıfbank"),
    _credit("card-vakifbank-troy-credit", "6501700194147183", "Vakıfbank", "World"),
    _debit("card-yapikredi-debit", "5168880000000002", "Yapı Kredi"),
    _credit("card-yapikredi-credit", "5451030000000000", "Yapı Kredi", "World"),
    _debit("card-foreign-debit", "4054180000000007", None, foreign=True),
    Card("card-foreign-credit", "5400010000000004", foreign=True),
    Card("card-irreversible", "5406670000000009", bank="Garanti", family="Bonus", reversible=False),
    _declined("card-declined-10051", "4111111111111129", "10051"),
    _declined("card-declined-10005", "4129111111111111", "10005"),
    _declined("card-declined-10012", "4128111111111112", "10012"),
    _declined("card-declined-10041", "4127111111111113", "10041"),
    _declined("card-declined-10043", "4126111111111114", "10043"),
    _declined("card-declined-10054", "4125111111111115", "10054"),
    _declined("card-declined-10084", "4124111111111116", "10084"),
    _declined("card-declined-10057", "4123111111111117", "10057"),
    _declined("card-declined-10058", "4122111111111118", "10058"),
    _declined("card-declined-10034", "4121111111111119", "10034"),
    _declined("card-declined-pickup", "4120111111111110", "10041", "PICKUP_CARD"),
    _declined("card-declined-general", "4130111111111118", "10202"),
    _declined("card-declined-10093", "4151111111111393", "10093"),
    # These three differ from a plain card only in 3-D Secure; without it they simply pay.
    Card("card-threeds-unverified", "4131111111111117", bank="Garanti", family="Bonus", md_status=0),
    Card("card-threeds-attempt", "4141111111111115", bank="Garanti", family="Bonus", md_status=4),
    Card("card-threeds-no-start", "4151111111111112", bank="Garanti", family="Bonus", starts_three_ds=False),
)

CARD_BY_NUMBER: Mapping[str, Card] = MappingProxyType({card.number: card for card in CARDS})
CARD_BY_NAME: Mapping[str, Card] = MappingProxyType({card.name: card for card in CARDS})

# Token in the well-known wallet to the public number behind it.
WALLET_TOKENS: Mapping[str, str] = MappingProxyType({card.name: card.number for card in CARDS})


def card_of_bin(bin_number: str) -> Card | None:
    """The first public card that begins with these 6 or 8 digits; whether it declines, a BIN cannot tell."""
    return next((card for card in CARDS if card.number.startswith(bin_number)), None)


def passes_luhn(number: str) -> bool:
    """Mod-10 over ASCII digits. Source: ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0
