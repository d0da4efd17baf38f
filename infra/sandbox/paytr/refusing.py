"""A refusal, and how each family of services words it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Json = dict[str, object]


class Refused(Exception):
    """A request that is answered with no.

    Attributes:
        err_no: the number of the services that have numbers.
        detail: told only to those who ask for it (`debug_on`).
        try_again: of a payment, that it may succeed later.
        token: the signature is what is wrong; its number differs by service.
    """

    def __init__(
        self,
        message: str,
        *,
        err_no: str | None = None,
        detail: str | None = None,
        try_again: bool = False,
        token: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.err_no = err_no
        self.detail = detail
        self.try_again = try_again
        self.token = token


def _told(refused: Refused, *, debug: bool) -> str:
    return f"{refused.message} ({refused.detail})" if debug and refused.detail else refused.message


def as_reason(refused: Refused, *, debug: bool) -> Json:
    """As get-token says it."""
    return {"status": "failed", "reason": _told(refused, debug=debug)}


def as_link_error(refused: Refused, *, debug: bool) -> Json:
    """As the Link services say it."""
    told = _told(refused, debug=debug)
    return {"status": "error", "err_msg": told, "reason": told}


def as_payment(refused: Refused, *, debug: bool) -> Json:
    """As the direct payment says it."""
    return {"status": "failed", "msg": _told(refused, debug=debug), "try_again": refused.try_again}


def as_error(refused: Refused, *, debug: bool) -> Json:
    """As services without numbers say it."""
    return {"status": "error", "err_msg": _told(refused, debug=debug)}


def numbered(token_err_no: str) -> "Wording":
    """As services with numbers say it; `token_err_no` is that of a wrong token."""

    def say(refused: Refused, *, debug: bool) -> Json:
        err_no = token_err_no if refused.token else (refused.err_no or "001")
        return {"status": "error", "err_no": err_no, "err_msg": _told(refused, debug=debug)}

    return say


Wording = Callable[..., Json]

# What failed, by the code that a callback gives. Source: Callback, "failed_reason_code".
FAILED_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0": "Kart hamili bankası işlemi onaylamadı",
        "1": "Kimlik doğrulama için telefon numarası girilmedi",
        "2": "SMS şifresi doğru girilmedi",
        "3": "Güvenlik kontrolü onaylanmadı veya yapılamadı",
        "4": "Gönderilen EFT bulunamadı",
        "5": "EFT tutarı ödeme tutarından az",
        "6": "Müşteri ödemeyi tamamlamadan ayrıldı veya süre doldu",
        "7": "Önceki EFT bildirimi kontrol ediliyor",
        "8": "Bu kart ile taksit yapılamaz",
        "9": "Mağaza bu kart ile işlem yapmaya yetkili değil",
        "10": "Bu işlemde 3D Secure kullanılmalıdır",
        "11": "Güvenlik uyarısı: işlem yapan müşteri kontrol edilmeli",
        "41": "EFT gönderen adı farklı",
        "42": "EFT gönderen kimlik numarası farklı",
        "43": "EFT daha önce onaylandı",
        "44": "EFT iade edildi",
        "45": "EFT gönderen iki addan yalnız biri girildi",
        "99": "Teknik entegrasyon hatası",
    }
)
