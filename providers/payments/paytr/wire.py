"""The shapes of PayTR's bodies: how forms are written, and the fields that are read of answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from pydantic import BeforeValidator, ValidationError

from providers.connector import Request, Wire
from providers.outcome import UnusableAnswer

W = TypeVar("W", bound=Wire)

_HEADERS: Final = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))


def post(path: str, fields: Mapping[str, str | None]) -> Request:
    """A form with its exact bytes; what is `None` stays away. Account and token join it when it is sent."""
    form = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
    return Request("POST", path, form, headers=_HEADERS, template=path)


def flag(value: bool) -> str:
    return "1" if value else "0"


def _text(value: Any) -> Any:
    """Identifiers and flags come as texts or as whole numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    """Error numbers have three digits; as a JSON number they lose the zeros in front."""
    return f"{value:03d}" if isinstance(value, int) and not isinstance(value, bool) else value


def _truth(value: Any) -> Any:
    match value:
        case "1" | "true" | 1:
            return True
        case "0" | "false" | 0:
            return False
        case _:
            return value


Word = Annotated[str, BeforeValidator(_text)]
ErrorNumber = Annotated[str, BeforeValidator(_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]


def rows_of(value: Any, model: type[W], name: str) -> list[W]:
    """The rows of a field, each as a model; nothing at all is told as an empty list, an empty text or null.

    Raises:
        UnusableAnswer: it is neither nothing nor a list, or a row lacks what is needed of it.
    """
    if value is None or value in ("", [], (), {}):
        return []
    if not isinstance(value, list | tuple):
        raise UnusableAnswer(f"{name} is no list")
    try:
        return [model.model_validate(row) for row in value]
    except ValidationError as bad:
        missing = sorted({".".join(map(str, error["loc"])) or "row" for error in bad.errors()})
        raise UnusableAnswer(f"a row of {name} cannot be read: {', '.join(missing)}") from None
