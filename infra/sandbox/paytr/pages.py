"""The pages that a buyer's browser walks: card, transfer, bank, link. Plain HTML that works without scripts."""

from infra.sandbox.html import button, choice, field, form, leading_form, page, paragraph
from infra.sandbox.paytr.amounts import dotted
from infra.sandbox.paytr.call import Page
from infra.sandbox.paytr.cards import SECURE_CODE
from infra.sandbox.paytr.paying import total_of
from infra.sandbox.paytr.records import BookedPayment
from infra.sandbox.paytr.refusing import FAILED_REASONS


def card_page(payment: BookedPayment, problem: str = "") -> Page:
    """Where the buyer types a card in."""
    counts = [0, *range(2, payment.most_installment + 1)] if payment.currency == "TL" else [0]
    fields = (
        field("cc_owner", "Kart üzerindeki ad"),
        field("card_number", "Kart numarası", numeric=True),
        field("expiry_month", "Ay", numeric=True),
        field("expiry_year", "Yıl", numeric=True),
        field("cvv", "CVV", numeric=True),
        choice("installment_count", "Taksit", [(str(n), f"{n} taksit" if n else "Tek çekim") for n in counts]),
    )
    return _page("Kartla ödeme", _amount(payment.amount_minor, payment.currency), problem, _form("pay", "Öde", *fields))


def eft_page(payment: BookedPayment, banks: frozenset[str], problem: str = "") -> Page:
    """Where the buyer says that a bank transfer was sent. What becomes of it can be chosen, for the test's sake."""
    outcomes = {"paid": "Onaylanır"} | {code: FAILED_REASONS[code] for code in ("4", "5", "41", "42", "45")}
    fields = (
        field("user_name", "Gönderen ad soyad"),
        field("tc_no_last5", "T.C. kimlik no son 5 hane", numeric=True),
        choice("bank", "Banka", [(bank, bank) for bank in sorted(banks)]),
        choice("outcome", "Sonuç", outcomes.items()),
    )
    above = _amount(payment.amount_minor, payment.currency)
    return _page("Havale / EFT", above, problem, _form("sent", "Havaleyi yaptım", *fields))


def bank_page(payment: BookedPayment, problem: str = "") -> Page:
    """The bank's own page: 3-D Secure, or its wallet."""
    user = [field("user", "BKM Express kullanıcısı")] if payment.kind == "bkm" else []
    code = field("code", f"SMS şifresi ({SECURE_CODE})", numeric=True)
    above = _amount(total_of(payment), payment.currency)
    return _page("Banka onayı", above, problem, _form("pay", "Onayla", *user, code))


def link_page(name: str, price_minor: int, currency: str, problem: str = "") -> Page:
    """Where a payment link leads."""
    email = field("email", "E-posta", kind="email")
    return _page(name, _amount(price_minor, currency), problem, _form("pay", "Ödemeye geç", email))


def closed_page(text: str) -> Page:
    """A page on which nothing is left to do."""
    return _page("PayTR", paragraph(text))


def bank_form(origin: str, payment: BookedPayment) -> Page:
    """The answer that leads the buyer's browser on to the bank."""
    action = f"{origin}/odeme/3d/{payment.bank_token}"
    title = "Bankaya yönlendiriliyorsunuz"
    return Page(leading_form(action, {}, "Bankaya git", title=title, method="get", language="tr"))


def leave_by_form(payment: BookedPayment) -> Page:
    """The answer that leads the buyer's browser back to the store, with what failed in `fail_message`."""
    failed = payment.state == "failed"
    url = payment.fail_url if failed else payment.ok_url
    if not url:
        return closed_page("Ödeme alınamadı." if failed else "Ödeme alındı.")
    told = {"fail_message": FAILED_REASONS[payment.reason_code or "0"]} if failed else {}
    html = leading_form(url, told, "Mağazaya dön", title="Mağazaya dönülüyor", language="tr")
    return Page(html, merchant_oid=payment.merchant_oid)


def _amount(minor: int, currency: str) -> str:
    return paragraph(f"Tutar: {dotted(minor)} {currency}")


def _form(action: str, label: str, *fields: str) -> str:
    return form("", *fields, button(label, "action", action), button("Vazgeç", "action", "cancel"))


def _page(title: str, above: str, problem: str = "", *parts: str) -> Page:
    alert = paragraph(problem, alert=True) if problem else ""
    return Page(page(title, above, alert, *parts, language="tr"))
