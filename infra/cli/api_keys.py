"""`kolaj api-keys create | list | show | rotate | revoke`: what callers of the HTTP edge prove themselves with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from infra.cli.api_key_options import Days, Integrations, Name, Rate, Scopes, SourceName, grant_of
from infra.cli.by_hand import By, named, vault_of
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say, tables
from infra.gateway.access.key import ApiKey
from infra.gateway.access.key_changes import ApiKeys, Grant, NoSuchKey
from infra.gateway.access.log_records import teller
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from schemas.envelope import rfc3339

app = typer.Typer(
    no_args_is_help=True,
    help="Give callers of the HTTP edge their keys, rotate and revoke them. A key is shown once, when it is made.",
)

OVERLAP_S: Final = 24 * 3600.0
_LONGEST_OVERLAP_S: Final = 90 * 24 * 3600

Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="What stands between kolaj_sk_ and the next _.")]


@app.command()
def create(
    name: Name,
    scopes: Scopes,
    *,
    by: By,
    source: SourceName = None,
    integrations: Integrations = None,
    rate: Rate = None,
    expires_in: Days = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Make a key for a caller and print it, this once: keep it where the caller keeps its secrets."""
    grant = grant_of(name, scopes, source, integrations, rate)
    key, text = run(_create(read_settings(), grant, named(by, "--by"), expires_in))
    _hand_out(key, text, json=json)


@app.command(name="list")
def list_command(
    *,
    every: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Show the keys, what they open and when they were last used; never the secret part."""
    at = datetime.now(UTC)
    keys = run(_all(read_settings(kafka=False)))
    _show([key for key in keys if every or key.state(at) in {"live", "replaced"}], at, json=json)


@app.command()
def show(prefix: Prefix, *, json: Annotated[bool, Json] = False) -> None:
    """Show a key and those that came before and after it."""
    keys = run(_all(read_settings(kafka=False)))
    line = {key.caller for key in keys if key.prefix == prefix}
    if not line:
        raise Failed(f"there is no key {prefix}; `kolaj api-keys list --all` shows all")
    found = sorted((key for key in keys if key.caller in line), key=lambda key: key.created_at)
    _show(found, datetime.now(UTC), json=json)


@app.command()
def rotate(
    prefix: Prefix,
    *,
    by: By,
    overlap_s: Annotated[
        float,
        typer.Option("--overlap", metavar="SECONDS", min=1, max=_LONGEST_OVERLAP_S, help="The old one lives on."),
    ] = OVERLAP_S,
    expires_in: Days = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Make a key that opens the same as this one, which lives on until the overlap ends; print it, this once."""
    old, new, text = run(_rotate(read_settings(), prefix, overlap_s, named(by, "--by"), expires_in))
    _hand_out(new, text, json=json)
    if not json and old.expires_at is not None:
        say(f"{prefix} opens until {rfc3339(old.expires_at)}; give the caller the new key before")


@app.command()
def revoke(prefix: Prefix, *, by: By, json: Annotated[bool, Json] = False) -> None:
    """End a key at once: within two seconds no gateway takes it."""
    key = run(_revoke(read_settings(), prefix, named(by, "--by")))
    if json:
        emit(_facts(key, datetime.now(UTC)))
    else:
        say(f"{prefix} of {key.name} is revoked")


async def _create(settings: Settings, grant: Grant, by: str, expires_in: float | None) -> tuple[ApiKey, str]:
    await prepare_stores(settings)
    at = datetime.now(UTC)
    async with vault_of(settings) as pool:
        whole = Grant(grant.name, grant.source, grant.scopes, grant.integrations, grant.rate, _end(at, expires_in))
        return await ApiKeys(pool, teller(settings)).create(whole, by=by, at=at)


async def _rotate(
    settings: Settings, prefix: str, overlap_s: float, by: str, expires_in: float | None
) -> tuple[ApiKey, ApiKey, str]:
    at = datetime.now(UTC)
    async with vault_of(settings) as pool:
        keys = ApiKeys(pool, teller(settings))
        try:
            return await keys.rotate(prefix, overlap_s=overlap_s, expires_at=_end(at, expires_in), by=by, at=at)
        except NoSuchKey as wrong:
            raise Failed(str(wrong)) from wrong


async def _revoke(settings: Settings, prefix: str, by: str) -> ApiKey:
    async with vault_of(settings) as pool:
        try:
            return await ApiKeys(pool, teller(settings)).revoke(prefix, by=by, at=datetime.now(UTC))
        except NoSuchKey as wrong:
            raise Failed(str(wrong)) from wrong


async def _all(settings: Settings) -> list[ApiKey]:
    async with vault_of(settings) as pool:
        return await ApiKeys(pool, teller(settings)).all()


def _end(at: datetime, expires_in: float | None) -> datetime | None:
    return None if expires_in is None else at + timedelta(days=expires_in)


def _hand_out(key: ApiKey, text: str, *, json: bool) -> None:
    if json:
        emit({**_facts(key, key.created_at), "secret": text})
        return
    say(f"the key of {key.name}; it is shown this once:")
    typer.echo(text)


def _show(keys: Sequence[ApiKey], at: datetime, *, json: bool) -> None:
    if json:
        emit([_facts(key, at) for key in keys])
        return
    if not keys:
        say("there are no keys; `kolaj api-keys create NAME SCOPE...` makes one")
    table = Table("prefix", "name", "scopes", "integrations", "state", "expires", "last used", "rate", "made by")
    for key in keys:
        state = key.state(at)
        words = (
            key.prefix,
            key.name,
            ", ".join(key.scopes),
            "all" if key.integrations is None else ", ".join(key.integrations),
            state if key.replaced_by is None else f"{state} by {key.replaced_by}",
            _moment(key.expires_at),
            _moment(key.last_used_at),
            key.rate or "",
            key.created_by,
        )
        table.add_row(*map(escape, words), style=None if state == "live" else "dim")
    tables().print(table)


def _facts(key: ApiKey, at: datetime) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "caller": key.caller_id,
        "name": key.name,
        "source": key.source,
        "scopes": key.scopes,
        "integrations": key.integrations,
        "rate": key.rate,
        "state": key.state(at),
        "created_at": rfc3339(key.created_at),
        "created_by": key.created_by,
        "expires_at": _moment(key.expires_at) or None,
        "revoked_at": _moment(key.revoked_at) or None,
        "revoked_by": key.revoked_by,
        "replaced_by": key.replaced_by,
        "last_used_at": _moment(key.last_used_at) or None,
    }


def _moment(at: datetime | None) -> str:
    return "" if at is None else rfc3339(at)
