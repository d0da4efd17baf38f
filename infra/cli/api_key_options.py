"""What `kolaj api-keys create` is told, checked before a key is made of it."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError

from infra.gateway.access.key_changes import Grant
from infra.gateway.access.rate import read_rate
from infra.gateway.access.scopes import SCOPES, unknown_scopes
from schemas.base import IntegrationId
from schemas.envelope import Source

Name = Annotated[str, typer.Argument(metavar="NAME", help="The caller, such as shop-backend.")]
Scopes = Annotated[
    list[str], typer.Argument(metavar="SCOPE...", help="What it may do: " + ", ".join(sorted(SCOPES)) + ".")
]
SourceName = Annotated[
    str | None,
    typer.Option("--source", help="The `ce_source` of what it publishes; /services/NAME without it."),
]
Integrations = Annotated[
    list[str] | None,
    typer.Option("--integration", metavar="ID", help="One that it may name and see; may be repeated. All without it."),
]
Rate = Annotated[
    str | None, typer.Option("--rate", help="Its own limit, such as 20/second; KOLAJ_GATEWAY_RATE without it.")
]
Days = Annotated[
    float | None,
    typer.Option("--expires-in", metavar="DAYS", min=0.0001, max=3660, help="Never without it, but by hand."),
]
_ID: Final = TypeAdapter(IntegrationId)
_SOURCE: Final = TypeAdapter(Source)


def grant_of(
    name: str, scopes: Sequence[str], source: str | None, integrations: Sequence[str] | None, rate: str | None
) -> Grant:
    """What the new key opens.

    Raises:
        typer.BadParameter: a part of it is not like that.
    """
    _fits(_ID, name, "NAME", "lower-case letters, digits, - and _")
    wrong = unknown_scopes(scopes)
    if wrong:
        raise typer.BadParameter(
            f"there is no scope {', '.join(wrong)}; there are {', '.join(sorted(SCOPES))}", param_hint="SCOPE"
        )
    for one in integrations or ():
        _fits(_ID, one, "--integration", "lower-case letters, digits, - and _")
    found = source or f"/services/{name}"
    _fits(_SOURCE, found, "--source", "printable ASCII without blanks")
    if rate is not None:
        try:
            read_rate(rate)
        except ValueError as bad:
            raise typer.BadParameter(str(bad), param_hint="--rate") from None
    return Grant(
        name, found, tuple(sorted(set(scopes))), None if not integrations else tuple(sorted(set(integrations))), rate
    )


def _fits(kind: TypeAdapter[str], text: str, hint: str, wanted: str) -> None:
    try:
        kind.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text} does not fit: {wanted}", param_hint=hint) from None
