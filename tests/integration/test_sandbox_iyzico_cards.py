from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.sandbox.iyzico import CARDS, WALLET_TOKENS, Card, running_sandbox
from tests.sandbox_merchant import Merchant, a_card, a_merchant

# The published list, typed here a second time and apart from the sandbox's own table.
PAYING = {
    "5890040000000016": ("DEBIT_CARD", "MASTER_CARD", "Akbank"),
    "5526080000000006": ("CREDIT_CARD", "MASTER_CARD", "Akbank"),
    "9792072000017956": ("CREDIT_CARD", "TROY", "Akbank"),
    "4766620000000001": ("DEBIT_CARD", "VISA", "Denizbank"),
    "4603450000000000": ("CREDIT_CARD", "VISA", "Denizbank"),
    "4729150000000005": ("CREDIT_CARD", "VISA", "Denizbank"),
    "4987490000000002": ("DEBIT_CARD", "VISA", "QNB"),
    "5311570000000005": ("CREDIT_CARD", "MASTER_CARD", "QNB"),
    "9792020000000001": ("DEBIT_CARD", "TROY", "QNB"),
    "9792023757123604": ("DEBIT_CARD", "TROY", "QNB"),
    "9792030000000000": ("CREDIT_CARD", "TROY", "QNB"),
    "5170410000000004": ("DEBIT_CARD", "MASTER_CARD", "Garanti"),
    "5400360000000003": ("CREDIT_CARD", "MASTER_CARD", "Garanti"),
    "374427000000003": ("CREDIT_CARD", "AMERICAN_EXPRESS", "Garanti"),
    "4475050000000003": ("DEBIT_CARD", "VISA", "Halkbank"),
    "5528790000000008": ("CREDIT_CARD", "MASTER_CARD", "Halkbank"),
    "4059030000000009": ("DEBIT_CARD", "VISA", "HSBC"),
    "5504720000000003": ("CREDIT_CARD", "MASTER_CARD", "HSBC"),
    "5892830000000000": ("DEBIT_CARD", "MASTER_CARD", "İş Bankası"),
    "4543590000000006": ("CREDIT_CARD", "VISA", "İş Bankası"),
    "4910050000000006": ("DEBIT_CARD", "VISA", "Vakıfbank"),
    "4157920000000002": ("CREDIT_CARD", "VISA", "Vakıfbank"),
    "6500528865390837": ("DEBIT_CARD", "TROY", "Vakıfbank"),
    "6501700194147183": ("CREDIT_CARD", "TROY", "Vakıfbank"),
    "5168880000000002": ("DEBIT_CARD", "MASTER_CARD", "Yapı Kredi"),
    "5451030000000000": ("CREDIT_CARD", "MASTER_CARD", "Yapı Kredi"),
    "4054180000000007": ("DEBIT_CARD", "VISA", None),
    "5400010000000004": ("CREDIT_CARD", "MASTER_CARD", None),
}
DECLINED = {
    "4111111111111129": ("10051", "NOT_SUFFICIENT_FUNDS"),
    "4129111111111111": ("10005", "DO_NOT_HONOUR"),
    "4128111111111112": ("10012", "INVALID_TRANSACTION"),
    "4127111111111113": ("10041", "LOST_CARD"),
    "4126111111111114": ("10043", "STOLEN_CARD"),
    "4125111111111115": ("10054", "EXPIRED_CARD"),
    "4124111111111116": ("10084", "INVALID_CVC2"),
    "4123111111111117": ("10057", "NOT_PERMITTED_TO_CARDHOLDER"),
    "4122111111111118": ("10058", "NOT_PERMITTED_TO_TERMINAL"),
    "4121111111111119": ("10034", "FRAUD_SUSPECT"),
    "4120111111111110": ("10041", "PICKUP_CARD"),
    "4130111111111118": ("10202", "UNKNOWN"),
    "4151111111111393": ("10093", "RESTRICTED_BY_LAW"),
}
ONLY_THREEDS = {"4131111111111117", "4141111111111115", "4151111111111112"}
IRREVERSIBLE = "5406670000000009"
FOREIGN = {"4054180000000007", "5400010000000004"}


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with running_sandbox() as sandbox, a_merchant(sandbox) as merchant:
        yield merchant


def named(card: Card) -> str:
    return card.name


def test_the_table_holds_exactly_the_published_cards() -> None:
    assert {card.number for card in CARDS} == {*PAYING, *DECLINED, *ONLY_THREEDS, IRREVERSIBLE}


@pytest.mark.parametrize("number", PAYING)
async def test_a_paying_card_pays_and_is_described_as_published(merchant: Merchant, number: str) -> None:
    reply = await merchant.pay(paymentCard=a_card(number))
    kind, association, bank = PAYING[number]
    assert (reply["status"], reply["cardType"], reply["cardAssociation"]) == ("success", kind, association)
    assert (reply["binNumber"], reply["lastFourDigits"]) == (number[:8], number[-4:])
    found = await merchant.post("/payment/bin/check", {"binNumber": number[:6]})
    assert (found["cardType"], found["cardAssociation"], found.get("bankName")) == (kind, association, bank)


@pytest.mark.parametrize("number", DECLINED)
@pytest.mark.parametrize("path", ["/payment/auth", "/payment/preauth"])
async def test_a_declining_card_is_refused_with_its_code_and_group(merchant: Merchant, number: str, path: str) -> None:
    call = merchant.pay if path == "/payment/auth" else merchant.hold
    reply = await call(paymentCard=a_card(number))
    assert (reply["status"], reply["errorCode"], reply["errorGroup"]) == ("failure", *DECLINED[number])
    booked = merchant.sandbox.books.entries()[-1]
    assert (booked.state, booked.error_code, booked.charged_minor, booked.conversation_id) == (
        "declined",
        DECLINED[number][0],
        0,
        reply["conversationId"],
    )


@pytest.mark.parametrize("number", sorted(ONLY_THREEDS))
async def test_cards_that_fail_in_three_d_secure_pay_without_it(merchant: Merchant, number: str) -> None:
    assert (await merchant.pay(paymentCard=a_card(number)))["status"] == "success"


async def test_the_irreversible_card_pays_but_is_never_captured_cancelled_or_refunded(merchant: Merchant) -> None:
    held = await merchant.hold(paymentCard=a_card(IRREVERSIBLE))
    paid = await merchant.pay(paymentCard=a_card(IRREVERSIBLE))
    line = paid["itemTransactions"][0]["paymentTransactionId"]
    captured = await merchant.post("/payment/postauth", {"paymentId": held["paymentId"], "paidPrice": "1"})
    cancelled = await merchant.post("/payment/cancel", {"paymentId": paid["paymentId"]})
    refunded = await merchant.post("/payment/refund", {"paymentTransactionId": line, "price": "1"})
    by_amount = await merchant.post("/v2/payment/refund", {"paymentId": paid["paymentId"], "price": "1"})
    codes = [reply["errorCode"] for reply in (captured, cancelled, refunded, by_amount)]
    assert codes == ["5082", "10220", "10220", "10220"]
    assert merchant.sandbox.books.entries()[-1].net_minor == 10000


@pytest.mark.parametrize("card", CARDS, ids=named)
async def test_the_wallet_names_every_card_without_its_number(merchant: Merchant, card: Card) -> None:
    assert WALLET_TOKENS[card.name] == card.number
    reply = await merchant.pay(paymentCard={"cardUserKey": "sandbox-wallet", "cardToken": card.name})
    expected = DECLINED.get(card.number, (None, None))
    assert (reply.get("errorCode"), reply.get("errorGroup")) == expected


@pytest.mark.parametrize("number", PAYING)
async def test_only_foreign_cards_pay_in_foreign_currency(merchant: Merchant, number: str) -> None:
    replies = [await merchant.pay(paymentCard=a_card(number), currency=currency) for currency in ("USD", "EUR")]
    expected = None if number in FOREIGN else "5184"
    assert [reply.get("errorCode") for reply in replies] == [expected, expected]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("5526080000000006", None),
        ("5890040000000016", "10218"),
        ("5400010000000004", "10222"),
    ],
)
async def test_instalments_are_for_domestic_credit_cards(merchant: Merchant, number: str, code: str | None) -> None:
    reply = await merchant.pay(paymentCard=a_card(number), installment=3, paidPrice="104.10")
    assert reply.get("errorCode") == code
    table = await merchant.post("/payment/iyzipos/installment", {"price": "100", "binNumber": number[:8]})
    counts = [row["installmentNumber"] for row in table["installmentDetails"][0]["installmentPrices"]]
    assert counts == ([1, 2, 3, 6, 9, 12] if code is None else [1])


@pytest.mark.parametrize(
    ("bin_number", "code"), [("12345", "5007"), ("55260x", "50000"), ("999999", "10213"), ("", "5007")]
)
async def test_a_wrong_bin_is_refused(merchant: Merchant, bin_number: str, code: str) -> None:
    assert (await merchant.post("/payment/bin/check", {"binNumber": bin_number}))["errorCode"] == code
