"""What the sandbox refuses with: iyzico's codes, their groups, and our own wording of them in two languages."""

from collections.abc import Mapping
from types import MappingProxyType

# Code to (Turkish, English). The wording is ours: clients must decide on the code, never on the text.
MESSAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "1": ("Sistem hatası", "System error"),
        "3": ("E-posta zorunludur", "Email is required"),
        "4": ("E-posta çok uzun", "Email is too long"),
        "5": ("E-posta biçimi hatalı", "Email format is wrong"),
        "6": ("İstek gövdesi zorunludur", "A request body is required"),
        "7": ("Tarih biçimi hatalı", "Date format is wrong"),
        "8": ("Kimlik numarası zorunludur", "identityNumber is required"),
        "9": ("Kimlik numarası çok uzun", "identityNumber is too long"),
        "10": ("Kimlik numarası çok kısa", "identityNumber is too short"),
        "11": ("Geçersiz istek", "Invalid request"),
        "12": ("Kart numarası geçersiz", "Card number is invalid"),
        "13": ("Son kullanma ayı geçersiz", "Expiry month is invalid"),
        "14": ("Son kullanma yılı geçersiz", "Expiry year is invalid"),
        "15": ("CVC geçersiz", "CVC is invalid"),
        "16": ("Kart sahibi adı zorunludur", "Card holder name is required"),
        "17": ("Kartın süresi dolmuş", "Card is expired"),
        "18": ("Kimlik numarası biçimi hatalı", "identityNumber format is wrong"),
        "19": ("Kart sahibi adı çok uzun", "Card holder name is too long"),
        "20": ("conversationId çok uzun", "conversationId is too long"),
        "21": ("Kart takma adı çok uzun", "Card alias is too long"),
        "22": ("IP adresi çok uzun", "IP address is too long"),
        "23": ("callbackUrl zorunludur", "callbackUrl is required"),
        "24": ("Zorunlu alan eksik", "A mandatory field is missing"),
        "25": ("Telefon numarası zorunludur", "gsmNumber is required"),
        "1000": ("Geçersiz imza", "Invalid signature"),
        "1001": ("API anahtarı bulunamadı", "API key is unknown"),
        "1007": ("İmza eksik veya anlaşılamadı", "Signature is missing or not understood"),
        "2001": ("Alt üye işyeri bilgisi hatalı", "Sub-merchant data is wrong"),
        "3001": ("cardUserKey zorunludur", "cardUserKey is required"),
        "3002": ("cardToken zorunludur", "cardToken is required"),
        "3005": ("cardUserKey bulunamadı", "cardUserKey is unknown"),
        "3006": ("cardToken bulunamadı", "cardToken is unknown"),
        "5001": ("paymentTransactionId zorunludur", "paymentTransactionId is required"),
        "5004": ("Tutar zorunludur", "Price is required"),
        "5005": ("Tutar sıfırdan büyük olmalıdır", "Price must be above zero"),
        "5007": ("binNumber uzunluğu hatalı", "binNumber length is wrong"),
        "5057": ("Sepet kalemi türü geçersiz", "Basket item type is invalid"),
        "5062": ("Kalemlerin toplamı tutara eşit değil", "Basket items do not add up to the price"),
        "5074": ("Kalem bir alt üye işyerine ait değil", "The line belongs to no sub-merchant"),
        "5077": ("Her kalemde subMerchantKey zorunludur", "subMerchantKey is required on each item"),
        "5079": ("subMerchantKey yalnız PRODUCT ile gönderilir", "subMerchantKey goes with paymentGroup PRODUCT alone"),
        "5082": ("Ödeme bu durumda tahsil edilemez", "Payment cannot be captured in this state"),
        "5087": ("Ödeme kaydı bulunamadı", "Payment record not found"),
        "5092": ("Ödeme kırılımı bulunamadı", "Payment line not found"),
        "5111": ("cardToken ile cardUserKey gönderilmelidir", "cardUserKey must accompany cardToken"),
        "5124": ("Token bulunamadı", "Token is unknown"),
        "5132": ("Token zorunludur", "Token is required"),
        "5184": ("Yurt içi kartla yabancı para ödenemez", "A domestic card cannot pay in a foreign currency"),
        "8514": ("Aynı işlem devam ediyor", "The same operation is in progress"),
        "10005": ("Banka onaylamadı", "Do not honour"),
        "10012": ("Geçersiz işlem", "Invalid transaction"),
        "10034": ("Dolandırıcılık şüphesi", "Fraud suspicion"),
        "10041": ("Kayıp kart", "Lost card"),
        "10043": ("Çalıntı kart", "Stolen card"),
        "10051": ("Bakiye yetersiz", "Insufficient funds"),
        "10054": ("Kartın süresi dolmuş", "Expired card"),
        "10057": ("Kart sahibine izin verilmiyor", "Not permitted to the card holder"),
        "10058": ("Terminale izin verilmiyor", "Not permitted to the terminal"),
        "10084": ("CVC hatalı", "CVC is wrong"),
        "10093": ("Kart e-ticarete kapalı", "Card is closed to e-commerce"),
        "10201": ("Karta izin verilmiyor", "Card is not permitted"),
        "10202": ("Ödeme sırasında genel hata", "General error while paying"),
        "10203": ("İşlem daha önce onaylandı", "Approved before"),
        "10213": ("BIN bulunamadı", "BIN not found"),
        "10218": ("Banka kartıyla taksit yapılamaz", "No instalments with a debit card"),
        "10219": ("Bankadan zamanında yanıt gelmedi", "The bank did not answer in time"),
        "10220": ("İşlem reddedildi", "Declined"),
        "10222": ("Kart taksite kapalı", "No instalments with this card"),
        "10232": ("Tutar geçersiz", "Invalid amount"),
        "50000": ("İstek sınırı aşıldı", "Request limit exceeded"),
    }
)

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "10005": "DO_NOT_HONOUR",
        "10012": "INVALID_TRANSACTION",
        "10034": "FRAUD_SUSPECT",
        "10041": "LOST_CARD",
        "10043": "STOLEN_CARD",
        "10051": "NOT_SUFFICIENT_FUNDS",
        "10054": "EXPIRED_CARD",
        "10057": "NOT_PERMITTED_TO_CARDHOLDER",
        "10058": "NOT_PERMITTED_TO_TERMINAL",
        "10084": "INVALID_CVC2",
        "10093": "RESTRICTED_BY_LAW",
        "10201": "CARD_NOT_PERMITTED",
        "10202": "UNKNOWN",
        "10203": "APPROVED_COMPLETED",
        "10213": "BIN_NOT_FOUND",
        "10218": "DEBIT_CARDS_INSTALLMENT_NOT_ALLOWED",
        "10219": "REQUEST_TIMEOUT",
        "10220": "DECLINED",
        "10222": "NOT_PERMITTED_TO_INSTALLMENT",
        "10232": "INVALID_AMOUNT",
    }
)


class Refused(Exception):
    """One failure answer. `extra` are further fields of its body; `detail` names the field, in plain words.

    Raised inside a step of the books it undoes what the step wrote; returned from one it is answered after the commit.
    """

    def __init__(
        self, code: str, *, group: str | None = None, detail: str = "", extra: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{code} {detail}".rstrip())
        self.code = code
        self.group = group or GROUPS.get(code)
        self.detail = detail
        self.extra = dict(extra or {})

    def message(self, locale: str) -> str:
        """The text for `locale` (`tr` or `en`), with the detail behind it."""
        turkish, english = MESSAGES[self.code]
        text = english if locale == "en" else turkish
        return f"{text} ({self.detail})" if self.detail else text
