"""What every record on a topic is made of: frozen, strict models that name their own type."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """An immutable value. Strict: `"5"` is not 5, and a number is never read through binary floating point.

    A model's validator is built at its first use: most processes use few of them, and all of them take half a second.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False, defer_build=True)


class Order(Frozen):
    """A command's body. Unknown fields are refused: money half understood is worse than a dead letter."""

    model_config = ConfigDict(extra="forbid")
    type: ClassVar[str]
    keyed_by: ClassVar[str] = "payment_id"
    """The field whose text is the record's key."""


class Fact(Frozen):
    """An event's body. Unknown fields are ignored, so that optional ones may join a type without breaking readers."""

    type: ClassVar[str]


def _no_nul(text: str) -> str:
    # PostgreSQL cannot store U+0000 in text; refusing it here names the field instead of failing a whole batch there.
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


NoNul = AfterValidator(_no_nul)

Text = Annotated[str, Field(min_length=1, max_length=1000), NoNul]
"""Free text of a person or shop: any letters, not empty, at most 1,000 characters."""

Token = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
"""An identifier: printable ASCII without blanks, at most 200 characters."""

IntegrationId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""Which account at which provider: lower-case ASCII letters, digits, `-` and `_`."""
