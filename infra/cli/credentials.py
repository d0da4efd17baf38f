"""`kolaj credentials set | rotate | list | history | revoke | rotate-master`: accounts' secrets, never shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape
from rich.table import Table

from agents.vault.store import Version
from infra.cli.by_hand import By, named
from infra.cli.credential_changes import Change, apply
from infra.cli.credential_changes import revoke as end_version
from infra.cli.credential_desk import desk_of
from infra.cli.failing import Failed
from infra.cli.known_integrations import provider_of
from infra.cli.master_key import rotate_master_command
from infra.cli.output import Json, emit, run, say, tables
from infra.cli.secret_input import read_secrets
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from providers.registry import connectors
from schemas.base import IntegrationId
from schemas.envelope import rfc3339

app = typer.Typer(
    no_args_is_help=True,
    help="Store, rotate and revoke accounts' secrets. Values come from a hidden prompt, a file or standard input.",
)

OVERLAP_S: Final = 3600.0
_LONGEST_OVERLAP_S: Final = 90 * 24 * 3600
_ID: Final = TypeAdapter(IntegrationId)

IntegrationName = Annotated[str, typer.Argument(metavar="ID", help="The integration, such as iyzico-main.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Such as `secret_key`; all that the provider needs if left out."),
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="PATH",
        help="Read the values from a file (- for standard input): a line for each NAME, or a JSON object.",
    ),
]
Provider = Annotated[str | None, typer.Option("--provider", help="Whose account it is, where it is not added yet.")]


app.command(name="rotate-master")(rotate_master_command)


@app.command(name="set")
def set_command(
    integration_id: IntegrationName,
    names: Names = None,
    *,
    by: By,
    file: Source = None,
    provider: Provider = None,
    json: Annotated[bool, Json] = False,
) -> None:
    """Store an account's secrets. What was stored before is not used any more from then on.

    Secrets that are not named keep their values. To change a key without a gap, use `rotate`.
    """
    _store(integration_id, names or (), named(by, "--by"), file, provider, overlap_s=0, json=json)


@app.command(name="rotate")
def rotate_command(
    integration_id: IntegrationName,
    names: Names = None,
    *,
    by: By,
    file: Source = None,
    provider: Provider = None,
    overlap_s: Annotated[
        float,
        typer.Option("--overlap", metavar="SECONDS", min=1, max=_LONGEST_OVERLAP_S, help="The old ones live on."),
    ] = OVERLAP_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Store an account's new secrets while the old ones live on: calls use the new ones, webhooks may use both."""
    _store(integration_id, names or (), named(by, "--by"), file, provider, overlap_s=overlap_s, json=json)


@app.command(name="list")
def list_command(*, json: Annotated[bool, Json] = False) -> None:
    """Show which accounts have secrets, since when and from whom; never their values."""
    versions = run(_listed(read_settings(kafka=False)))
    _show(versions, json=json)


@app.command()
def history(integration_id: IntegrationName, *, json: Annotated[bool, Json] = False) -> None:
    """Show every version that an account's secrets ever had, without values."""
    versions = run(_history(read_settings(kafka=False), integration_id))
    if not versions:
        raise Failed(f"no credentials were ever stored for {integration_id}; `kolaj credentials list` shows all")
    _show(versions, json=json)


@app.command()
def revoke(
    integration_id: IntegrationName,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="As `history` shows it.")],
    *,
    by: By,
    json: Annotated[bool, Json] = False,
) -> None:
    """End one version at once and erase its values. Revoke it at the provider too: here only its use ends."""
    event = run(end_version(read_settings(), integration_id, version, named(by, "--by")))
    if json:
        emit(event.model_dump(mode="json"))
    elif event.serving is None:
        say(f"version {version} of {integration_id} is revoked; none is left, so that its calls wait: set new ones")
    else:
        say(f"version {version} of {integration_id} is revoked; calls are made with version {event.serving}")


def _store(
    integration_id: str,
    names: Sequence[str],
    by: str,
    file: Path | None,
    provider: str | None,
    *,
    overlap_s: float,
    json: bool,
) -> None:
    settings = read_settings()
    try:
        _ID.validate_python(integration_id)
    except ValidationError:
        raise typer.BadParameter(
            f"{integration_id} is no id: lower-case letters, digits, - and _", param_hint="ID"
        ) from None
    wanted = _wanted(provider or run(_provider(settings, integration_id)))
    values = read_secrets(names or wanted, file, known=wanted)
    rotated = run(apply(settings, Change(integration_id, values, by, wanted, overlap_s)))
    if json:
        emit(
            {
                **_facts(rotated.version),
                "carried": rotated.carried,
                "retiring": [one.number for one in rotated.retiring],
            }
        )
        return
    say(f"{integration_id} has version {rotated.version.number} now: {', '.join(rotated.version.fields)}")
    if rotated.carried:
        say(f"carried over from the version before: {', '.join(rotated.carried)}")
    for one in rotated.retiring:
        say(f"version {one.number} lives on until {_moment(one.live_until)}")


async def _provider(settings: Settings, integration_id: str) -> str | None:
    await prepare_stores(settings)
    return await provider_of(settings, integration_id)


def _wanted(provider: str | None) -> tuple[str, ...]:
    """The secrets that an account at this provider needs; none where nobody said which one that is."""
    if provider is None:
        return ()
    known = connectors()
    if provider not in known:
        raise typer.BadParameter(
            f"no provider is called {provider}; there are {', '.join(sorted(known))}", param_hint="--provider"
        )
    return known[provider].credentials


async def _listed(settings: Settings) -> Sequence[Version]:
    async with desk_of(settings) as desk:
        return await desk.store.all_live(datetime.now(UTC))


async def _history(settings: Settings, integration_id: str) -> Sequence[Version]:
    async with desk_of(settings) as desk:
        return await desk.store.history(integration_id)


def _show(versions: Sequence[Version], *, json: bool) -> None:
    now = datetime.now(UTC)
    newest: dict[str, int] = {}
    for one in versions:
        if one.is_live(now):
            newest[one.integration_id] = max(newest.get(one.integration_id, 0), one.number)
    if json:
        emit([{**_facts(one), "state": _state(one, now, newest)} for one in versions])
        return
    if not versions:
        say("no credentials are stored; `kolaj credentials set ID` stores some")
    table = Table("integration", "version", "secrets", "state", "stored by", "stored at", "lives until")
    for one in versions:
        state = _state(one, now, newest)
        words = (one.integration_id, str(one.number), ", ".join(one.fields), state, one.created_by)
        table.add_row(
            *map(escape, words),
            _moment(one.created_at),
            _moment(one.revoked_at or one.live_until),
            style=None if state == "current" else "dim",
        )
    tables().print(table)


def _state(version: Version, at: datetime, newest: Mapping[str, int]) -> str:
    if version.revoked_at is not None:
        return f"revoked by {version.revoked_by}"
    if not version.is_live(at):
        return "ended"
    return "current" if newest[version.integration_id] == version.number else "retiring"


def _facts(version: Version) -> dict[str, Any]:
    return {
        "integration_id": version.integration_id,
        "version": version.number,
        "fields": version.fields,
        "created_at": rfc3339(version.created_at),
        "created_by": version.created_by,
        "live_from": rfc3339(version.live_from),
        "live_until": None if version.live_until is None else rfc3339(version.live_until),
        "revoked_at": None if version.revoked_at is None else rfc3339(version.revoked_at),
        "revoked_by": version.revoked_by,
    }


def _moment(at: datetime | None) -> str:
    return "" if at is None else rfc3339(at)
