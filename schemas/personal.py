"""What is personal in the hub's models, and how it is kept where records are kept for ever.

A field that tells something of a person is declared with `Personal`. Where a record is kept for ever it stands sealed
under the person's own key (`SealedPerson`), or not at all; a test walks the models and holds them to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from schemas.base import Frozen


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field as personal: `name: Annotated[Text, Personal()]`.

    Attributes:
        kept: whether it is kept, sealed, with what is kept for ever. What is not needed there is not: it goes with the
            command.
    """

    kept: bool = True


class SealedPerson(Frozen):
    """A person's fields, sealed under that person's own key. Once the key is destroyed nobody can read them."""

    subject: UUID
    """Whose key it is: a random name that says nothing of the person."""
    sealed: Annotated[str, Field(min_length=1, max_length=16_384, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]
    """Base64 of the sealed fields, as JSON within."""


def kept_of(model: BaseModel) -> dict[str, Any]:
    """The personal fields that are kept, as JSON has them; fields that are absent are left out."""
    found: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            if inner := kept_of(value):
                found[name] = inner
        elif value is not None and any(isinstance(mark, Personal) and mark.kept for mark in field.metadata):
            found[name] = value
    return found


def personal_paths(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Personal]]:
    """Every field of the model that is declared personal, at any depth, as a dotted path."""
    for name, field in model.model_fields.items():
        here = f"{path}{name}"
        yield from ((here, mark) for mark in field.metadata if isinstance(mark, Personal))
        for inner in _models_in(field.annotation):
            yield from personal_paths(inner, f"{here}.")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
