"""Those on whose account a marketplace sells."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Frozen, NoNul, Text, Token
from schemas.money import CurrencyCode
from schemas.payments.accounts import Iban
from schemas.payments.resources.cards import Email
from schemas.payments.resources.orders import Question, ResourceOrder
from schemas.personal import Personal

_Number = Annotated[str, Field(min_length=1, max_length=50), NoNul]


class RegisterSubMerchant(ResourceOrder):
    """Make a sub-merchant known to the provider. Its resource id is how the provider knows it as ours."""

    type: ClassVar[str] = "payments.register_sub_merchant.v1"

    legal_form: Literal["person", "sole_trader", "company"]
    name: Annotated[Text, Personal()]
    email: Annotated[Email, Personal()]
    phone: Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$"), Personal()]
    address: Annotated[Text, Personal()]
    iban: Annotated[Iban, Personal()]
    currency: CurrencyCode = "TRY"
    contact_name: Annotated[Text | None, Personal()] = None
    contact_surname: Annotated[Text | None, Personal()] = None
    identity_number: Annotated[_Number | None, Personal(kept=False)] = None
    tax_office: Text | None = None
    tax_number: Annotated[_Number | None, Personal(kept=False)] = None
    company_title: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        person = ("contact_name", "contact_surname", "identity_number")
        needed = person if self.legal_form == "person" else ("tax_office", "company_title")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(
                f"{' and '.join(missing)} must be given for a sub-merchant of legal form {self.legal_form}"
            )
        return self


class UpdateSubMerchant(RegisterSubMerchant):
    """All that is known of it, anew."""

    type: ClassVar[str] = "payments.update_sub_merchant.v1"


class QuerySubMerchant(Question):
    """Ask the provider for the sub-merchant that was registered under this resource id."""

    type: ClassVar[str] = "payments.query_sub_merchant.v1"


class SubMerchantDetails(Frozen):
    """How the provider knows a sub-merchant."""

    merchant_key: Token
    """The provider's own: `merchant_share.merchant_key` of a basket line."""
