"""A shop's commands as a file: read, filled with what one gateway's shop has at hand, published one after the other."""

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from schemas.ids import new_id
from schemas.payments import PaymentCancelled, PaymentCreated
from schemas.payments.vocabulary import Ending
from streams.codec import Outgoing
from tests.builders import an_envelope
from tests.hub import Hub

Totals = Mapping[str, int]
Word = Callable[[str], Awaitable[Any]]
"""What the shop has at hand under a name, perhaps what some step told; `None` where it has no such thing."""

NOBODY_TOLD: Final = "nobody-told"
"""Stands where an earlier step was to tell something, and did not."""
_BRACES: Final = re.compile(r"\{([^{}?]+)(\??)\}")
_FOLDER: Final = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and type and status of the result that it has to end in; or, with `agrees`, an act of the buyer.

    Attributes:
        agrees: the step that led the buyer to the provider's page, where they agree now.
    """

    name: str
    type: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    ends: tuple[str, str] = ("", "")
    agrees: str | None = None

    @property
    def about(self) -> str:
        """What it is keyed by, as the file names it."""
        told: str = self.body.get("payment_id") or self.body["resource_id"]
        return told


@dataclass(frozen=True, slots=True)
class Script:
    """A file of `scenarios/`. `totals` are in minor units, by the name of the payment's id."""

    words: Mapping[str, Any]
    steps: tuple[Step, ...]
    totals: Mapping[str, Totals]

    @property
    def commands(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.agrees is None)


@dataclass(slots=True)
class Played:
    """What came of a script: ids by their names, each command's id and result by its step."""

    ids: defaultdict[str, UUID] = field(default_factory=lambda: defaultdict(new_id))
    command_ids: dict[str, UUID] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def sequence(self) -> dict[str, tuple[str, str]]:
        return {name: (result.type, status_of(result)) for name, result in self.results.items()}


def read_script(name: str) -> Script:
    told = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    steps = tuple(
        Step(one["step"], agrees=one["agrees"])
        if "agrees" in one
        else Step(one["step"], one["type"], one["body"], tuple(one["ends"]))
        for one in told["steps"]
    )
    return Script(told["words"], steps, told["totals"])


def status_of(result: Ending) -> str:
    """The one word of a result beside its type: what it made of the payment or resource, else why, else the verdict."""
    match result:
        case PaymentCreated():
            return result.state
        case PaymentCancelled():
            return result.effect
        case _:
            details = getattr(result, "details", None)
            return str(getattr(details, "state", None) or getattr(result, "reason", None) or result.verdict)


async def play(
    script: Script, hub: Hub, word: Word, agree: Callable[[Any], Awaitable[None]], *, within_s: float = 40
) -> Played:
    """Publish each command once the one before it has ended. `agree` is the buyer's act, given what led them there."""
    played = Played()
    for step in script.steps:
        if step.agrees is not None:
            led_there = played.results[step.agrees]
            if led_there.verdict == "pending":
                await agree(led_there)
            continue
        body = await _filled(step.body, script, played, word)
        command_id = played.command_ids[step.name] = new_id()
        key = body.get("payment_id") or body["resource_id"]
        headers = tuple(an_envelope(type=step.type, id=command_id).headers())
        value = json.dumps(body, ensure_ascii=False).encode()
        await hub.publish([Outgoing(hub.commands, key.encode(), value, headers)])
        try:
            played.results[step.name] = (await hub.results([command_id], within_s=within_s))[command_id]
        except TimeoutError as never:
            died = [(letter.offset, letter.field, letter.detail) for letter in hub.dead]
            raise AssertionError(f"{step.name!r} has no result; dead letters: {died}") from never
    return played


async def _filled(value: Any, script: Script, played: Played, word: Word) -> Any:
    """The value with everything in braces replaced; what is left out, since it may be, is `None`."""
    match value:
        case str() if (whole := _BRACES.fullmatch(value)) is not None:
            return await _meant(whole[1], bool(whole[2]), script, played, word)
        case str():
            for found in _BRACES.finditer(value):
                value = value.replace(found[0], str(await _meant(found[1], bool(found[2]), script, played, word)))
            return value
        case Mapping():
            filled = {name: await _filled(held, script, played, word) for name, held in value.items()}
            return {name: held for name, held in filled.items() if held is not None}
        case list():
            return [await _filled(held, script, played, word) for held in value]
        case _:
            return value


async def _meant(name: str, may_be_left_out: bool, script: Script, played: Played, word: Word) -> Any:
    """`id:NAME`, `STEP/what.its.result.tells`, a word of the file's own, or one of the shop's."""
    if name.startswith("id:"):
        return str(played.ids[name.removeprefix("id:")])
    if name in script.words:
        return await _filled(script.words[name], script, played, word)
    step, slash, path = name.partition("/")
    if not slash:
        told = await _filled(await word(name), script, played, word)
    elif played.results[step].verdict == "accepted":
        told = attrgetter(path)(played.results[step])
    else:
        told = None
    return NOBODY_TOLD if told is None and not may_be_left_out else told
