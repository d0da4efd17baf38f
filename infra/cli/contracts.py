"""`kolaj contracts export | release`."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.failing import Failed
from infra.cli.output import Json, emit, say
from infra.contracts import broken, documents
from infra.contracts import export as write
from infra.contracts import release as keep

app = typer.Typer(
    no_args_is_help=True, help="The contract with other services: AsyncAPI 3, OpenAPI 3.1 and JSON Schema."
)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where to write; made when it is not there.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when something differs.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Write the contract. A type that lies there is never written over with one that breaks it."""
    changed = _differing(directory) if check else write(directory)
    if json:
        emit({"directory": str(directory), "files": len(documents()), "changed": changed})
    else:
        for name in changed:
            say(f"{'differs' if check else 'written'}: {directory / name}")
        say(f"{len(documents())} files, {len(changed)} {'differ' if check else 'written'}")
    if check:
        faults = broken(directory)
        if faults:
            raise Failed("; ".join(faults))
        if changed:
            raise Failed(f"{directory} is not what the code says; run `kolaj contracts export {directory}`")


@app.command()
def release(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where the contract lies.")],
    *,
    json: Annotated[bool, Json] = False,
) -> None:
    """Keep the contract as it stands as released: from then on nothing in it may be broken."""
    changed = keep(directory)
    if json:
        emit({"directory": str(directory), "changed": changed})
    else:
        say(f"{len(changed)} files written; what is in {directory / 'released'} may not be broken any more")


def _differing(directory: Path) -> list[str]:
    return [
        name
        for name, text in documents().items()
        if not (directory / name).is_file() or (directory / name).read_text(encoding="utf-8") != text
    ]
