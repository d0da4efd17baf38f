"""What of each connector is verified, and by whom: as `samples/contract/verified.json` beside its samples declares it.

A test holds each declaration to the truth: the vectors and tests that it names exist.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from pydantic import Field

from providers.connector import Connector
from providers.registry import folder_of
from schemas.base import Frozen
from schemas.payments import PAYMENT_COMMANDS
from schemas.payments.resources import RESOURCE_COMMANDS

SAMPLES_ONLY: Final = "samples only"
_BEGIN: Final = "<!-- kolaj providers table: begin -->\n"
_END: Final = "<!-- kolaj providers table: end -->\n"


class Proofs(Frozen, extra="forbid"):
    """What stands for one operation, read or kind of call.

    Attributes:
        client: tests in which a client of the provider's, or of others for it, does the same or takes what ours does.
        vectors: published or recomputed signatures and bodies, `file#group` or `file#group/name`.
        sandbox: tests in which our connector does it against the provider's sandbox here.
    """

    client: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    sandbox: tuple[str, ...] = ()


class Oracle(Frozen, extra="forbid"):
    """A check that nobody here wrote, and what it stands for.

    Attributes:
        by: the program or document, with its version.
        standing: the provider's own specification, or a fake of the provider that others wrote.
        tests: where it is asked.
        of: operations, reads and calls, named as in `proofs`; `None`: every operation and every read.
    """

    by: str
    standing: Literal["specification", "independent fake"]
    tests: tuple[str, ...]
    of: tuple[str, ...] | None = None

    def covers(self, name: str) -> bool:
        return not name.startswith("call ") if self.of is None else name in self.of


class Verified(Frozen, extra="forbid"):
    """A provider's declaration; what it does not name is verified by samples alone."""

    client: str | None = None
    """The client's name and version."""
    standing: Literal["official", "independent"] = "official"
    proofs: Mapping[str, Proofs] = Field(default_factory=dict)
    """By an operation's name, `read NAME`, or `call KIND`."""
    oracles: tuple[Oracle, ...] = ()


def verified_of(connector: Connector) -> Verified:
    path = folder_of(connector) / "samples" / "contract" / "verified.json"
    return Verified.model_validate_json(path.read_bytes()) if path.exists() else Verified()


def offered(connector: Connector) -> tuple[str, ...]:
    """Everything that can be verified of it: operations, reads, and the calls that it understands."""
    calls = () if connector.webhooks is None else connector.webhooks.kinds
    return (
        *(operation.name for operation in connector.operations),
        *(f"read {read.name}" for read in connector.reads),
        *(f"call {kind}" for kind in calls),
    )


def verified_by(verified: Verified, name: str) -> str:
    """In words, the strongest first."""
    proofs = verified.proofs.get(name, Proofs())
    asked = {oracle.standing for oracle in verified.oracles if oracle.covers(name)}
    words = {
        f"{verified.standing} client": proofs.client,
        "specification": "specification" in asked,
        "vectors": proofs.vectors,
        "independent fake": "independent fake" in asked,
        "sandbox": proofs.sandbox,
    }
    return ", ".join(word for word, found in words.items() if found) or SAMPLES_ONLY


def table(connectors: Iterable[Connector]) -> str:
    """Operation by provider as a Markdown table, in the vocabulary's order; what nobody performs has no row."""
    columns = sorted(connectors, key=lambda connector: connector.name)
    heads = [f"[{one.name}]({one.kind}s/{one.name}/README.md)" for one in columns]
    rows = [["Operation", *heads], ["---"] * (len(heads) + 1), ["paid with", *map(_methods, columns)]]
    cells = [_cells(connector) for connector in columns]
    rows += [[what, *(found.get(what, "") for found in cells)] for what in _in_order(cells)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def with_table(text: str, markdown: str) -> str:
    """`text` with the table put between its marks.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the text has no lines {_BEGIN.strip()} and {_END.strip()}; add them where the table goes")
    return f"{before}{begin}{markdown}{end}{after}"


def _methods(connector: Connector) -> str:
    return ", ".join(f"`{method}`" for method in connector.methods)


def _cells(connector: Connector) -> Mapping[str, str]:
    verified = verified_of(connector)
    commands = {operation.name: f"`{operation.command.type}`" for operation in connector.operations}
    return {commands.get(name, name): verified_by(verified, name) for name in offered(connector)}


def _in_order(cells: Iterable[Mapping[str, str]]) -> list[str]:
    found = dict.fromkeys(name for one in cells for name in one)
    commands = [f"`{command.type}`" for command in (*PAYMENT_COMMANDS, *RESOURCE_COMMANDS)]
    return [name for name in (*commands, *sorted(found.keys() - {*commands})) if name in found]
