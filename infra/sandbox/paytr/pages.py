"""The pages that a buyer's browser walks: card, transfer, bank, link. Plain HTML that works without scripts."""

from dataclasses import replace
from html import escape
from typing import Final

from infra.sandbox.paytr.amounts import dotted
from infra.sandbox.paytr.call import Page
from infra.sandbox.paytr.cards import SECURE_CODE
from infra.sandbox.paytr.paying import total_of
from infra.sandbox.paytr.records import BookedPayment
from infra.sandbox.paytr.refusing import FAILED_REASONS

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem}"
    "label{display:block;margin:.5rem 0}input,select{width:100%;font:inherit;padding:.4rem;box-sizing:border-box}"
    "button{font:inherit;padding:.5rem 1rem;margin:.5rem .5rem 0 0}[role=alert]{color:#a00}"
)
_SUBMIT: Final = "<script>document.forms[0].submit()</script>"


def card_page(payment: BookedPayment, problem: str = "") -> Page:
    """Where the buyer types a card in."""
    counts = [0, *range(2, payment.most_installment + 1)] if payment.currency == "TL" else [0]
    options = "".join(
        f'<option value="{count}">{f"{count} taksit" if count else "Tek çekim"}</option>' for count in counts
    )
    fields = (
        _field("cc_owner", "Kart üzerindeki ad")
        + _field("card_number", "Kart numarası", 'inputmode="numeric" autocomplete="cc-number"')
        + _field("expiry_month", "Ay", 'inputmode="numeric"')
        + _field("expiry_year", "Yıl", 'inputmode="numeric"')
        + _field("cvv", "CVV", 'inputmode="numeric"')
        + f'<label>Taksit <select name="installment_count">{options}</select></label>'
    )
    return _page("Kartla ödeme", _amount(payment.amount_minor, payment), _form(fields, "pay", "Öde"), problem)


def eft_page(payment: BookedPayment, banks: frozenset[str], problem: str = "") -> Page:
    """Where the buyer says that a bank transfer was sent. What becomes of it can be chosen, for the test's sake."""
    bank_options = "".join(f'<option value="{bank}">{bank}</option>' for bank in sorted(banks))
    outcomes = {"paid": "Onaylanır"} | {code: FAILED_REASONS[code] for code in ("4", "5", "41", "42", "45")}
    outcome_options = "".join(f'<option value="{code}">{escape(text)}</option>' for code, text in outcomes.items())
    fields = (
        _field("user_name", "Gönderen ad soyad")
        + _field("tc_no_last5", "T.C. kimlik no son 5 hane", 'inputmode="numeric"')
        + f'<label>Banka <select name="bank">{bank_options}</select></label>'
        + f'<label>Sonuç <select name="outcome">{outcome_options}</select></label>'
    )
    form = _form(fields, "sent", "Havaleyi yaptım")
    return _page("Havale / EFT", _amount(payment.amount_minor, payment), form, problem)


def bank_page(payment: BookedPayment, problem: str = "") -> Page:
    """The bank's own page: 3-D Secure, or its wallet."""
    asked = _field("user", "BKM Express kullanıcısı") if payment.kind == "bkm" else ""
    fields = asked + _field("code", f"SMS şifresi ({SECURE_CODE})", 'inputmode="numeric"')
    return _page("Banka onayı", _amount(total_of(payment), payment), _form(fields, "pay", "Onayla"), problem)


def link_page(name: str, price_minor: int, currency: str, problem: str = "") -> Page:
    """Where a payment link leads."""
    form = _form(_field("email", "E-posta", 'type="email"'), "pay", "Ödemeye geç")
    return _page(name, f"<p>Tutar: <b>{dotted(price_minor)} {currency}</b></p>", form, problem)


def closed_page(text: str) -> Page:
    """A page on which nothing is left to do."""
    return _page("PayTR", f"<p>{escape(text)}</p>", "", "")


def bank_form(origin: str, payment: BookedPayment) -> Page:
    """The answer that leads the buyer's browser on to the bank."""
    action = f"{origin}/odeme/3d/{payment.bank_token}"
    form = f'<form method="get" action="{escape(action)}"><button>Bankaya git</button></form>{_SUBMIT}'
    return _page("Bankaya yönlendiriliyorsunuz", "", form, "")


def leave_by_form(payment: BookedPayment) -> Page:
    """The answer that leads the buyer's browser back to the store, with what failed in `fail_message`."""
    failed = payment.state == "failed"
    url = payment.fail_url if failed else payment.ok_url
    if not url:
        return closed_page("Ödeme alınamadı." if failed else "Ödeme alındı.")
    told = f'<input type="hidden" name="fail_message" value="{escape(_reason(payment))}">' if failed else ""
    form = f'<form method="post" action="{escape(url)}">{told}<button>Mağazaya dön</button></form>{_SUBMIT}'
    return replace(_page("Mağazaya dönülüyor", "", form, ""), merchant_oid=payment.merchant_oid)


def _reason(payment: BookedPayment) -> str:
    return FAILED_REASONS[payment.reason_code or "0"]


def _amount(minor: int, payment: BookedPayment) -> str:
    return f"<p>Tutar: <b>{dotted(minor)} {payment.currency}</b></p>"


def _field(name: str, label: str, more: str = "") -> str:
    return f'<label>{escape(label)} <input name="{name}" {more}></label>'


def _form(fields: str, action: str, label: str) -> str:
    return (
        f'<form method="post">{fields}<button name="action" value="{action}">{escape(label)}</button>'
        '<button name="action" value="cancel">Vazgeç</button></form>'
    )


def _page(title: str, above: str, form: str, problem: str) -> Page:
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    return Page(
        '<!DOCTYPE html><html lang="tr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{above}{alert}{form}</body></html>"
    )
