"""The benchmark: its parts one after another on one machine, so that ratios are of one moment."""

import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from infra.bench.claims import measure_claims
from infra.bench.databases import fresh_database
from infra.bench.ground import Ground, ground
from infra.bench.hammer import provider_rate
from infra.bench.latency import measure_latency
from infra.bench.load import requests
from infra.bench.memory import measure_memory
from infra.bench.projecting import measure_projector, measure_rebuild
from infra.bench.replaying import measure_replay
from infra.bench.rounds import Round, bare_round, hub_round, naive_round
from infra.bench.sizes import Sizes
from infra.bench.webhooks import measure_webhooks
from infra.local import LocalStack, local_stack
from streams.topics import Topics

Say = Callable[[str], None]

_HAMMER_S: Final = 3.0
_HAMMER_BODIES: Final = 200
_SLOW_S: Final = 0.02
"""What the provider takes while memory is watched, so that the backlog outlasts the watch."""


@dataclass(slots=True)
class Bench:
    """One run. `line` grows with each part and is the output's last line in the end.

    Attributes:
        details: all that was found, by part.
        took_s: how long each part took.
    """

    stack: LocalStack
    folder: Path
    sizes: Sizes
    say: Say
    line: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    _grounds: int = 0

    @asynccontextmanager
    async def ground(self, word: str, *, pause_s: float = 0.0) -> AsyncIterator[Ground]:
        """A hub of its own for a part: topics, tables and provider that no other part has used."""
        self._grounds += 1
        name = f"bench-{word}-{self._grounds}"
        async with (
            fresh_database(self.stack.database_url, name) as url,
            ground(self.stack, self.folder, name, database_url=url, pause_s=pause_s) as made,
        ):
            yield made


Part = Callable[[Bench], Awaitable[None]]


async def loops(bench: Bench) -> None:
    """Bare loop, hub and naive agent by turns: a ratio is taken between neighbours."""
    bare, hub, naive = [], [], []
    async with bench.ground("loops") as place:
        for number in range(bench.sizes.rounds):
            bench.say(f"round {number + 1} of {bench.sizes.rounds}")
            bare.append(await bare_round(place, bench.sizes.bare, limit_s=bench.sizes.round_s))
            hub.append(await hub_round(place, bench.sizes.hub, limit_s=bench.sizes.round_s))
            naive.append(await naive_round(place, bench.sizes.naive, limit_s=bench.sizes.round_s))
            bench.say(f"bare {bare[-1].per_s:,.0f}, hub {hub[-1].per_s:,.0f}, naive {naive[-1].per_s:,.0f} commands/s")
    _keep_loops(bench, bare=bare, hub=hub, naive=naive)


async def bare(bench: Bench) -> None:
    async with bench.ground("bare") as place:
        _keep_loops(
            bench,
            bare=[
                await bare_round(place, bench.sizes.bare, limit_s=bench.sizes.round_s)
                for _ in range(bench.sizes.rounds)
            ],
        )


async def naive(bench: Bench) -> None:
    async with bench.ground("naive") as place:
        _keep_loops(
            bench,
            naive=[
                await naive_round(place, bench.sizes.naive, limit_s=bench.sizes.round_s)
                for _ in range(bench.sizes.rounds)
            ],
        )


async def hub(bench: Bench) -> None:
    async with bench.ground("hub") as place:
        _keep_loops(
            bench,
            hub=[
                await hub_round(place, bench.sizes.hub, limit_s=bench.sizes.round_s) for _ in range(bench.sizes.rounds)
            ],
        )


async def two_workers(bench: Bench) -> None:
    async with bench.ground("workers") as place:
        found = await hub_round(place, 2 * bench.sizes.hub, limit_s=bench.sizes.round_s, workers=2)
    bench.details["two_workers"] = asdict(found)
    bench.line["hub_two_workers_per_s"] = round(found.per_s)


async def provider(bench: Bench) -> None:
    bodies = [row[3] for row in requests("none", Topics().partitions, _HAMMER_BODIES)]
    async with bench.ground("provider") as place:
        rate = await provider_rate(f"{place.provider_url}/payment/auth", bodies, seconds=_HAMMER_S)
    bench.line["provider_per_s"] = round(rate)


async def latency(bench: Bench) -> None:
    """At half of what the hub reaches; measured first where no other part has."""
    if "hub_per_s" not in bench.line:
        await hub(bench)
    async with bench.ground("latency") as place:
        found = await measure_latency(place, per_s=bench.line["hub_per_s"] / 2, seconds=bench.sizes.latency_s)
    bench.details["latency"] = asdict(found)
    bench.line |= {"added_p50_ms": found.p50_ms, "added_p99_ms": found.p99_ms, "added_p999_ms": found.p999_ms}


async def claims(bench: Bench) -> None:
    sizes = bench.sizes
    found = await measure_claims(
        bench.stack.database_url,
        short=sizes.short,
        long=sizes.long,
        rounds=sizes.claim_rounds,
        round_s=sizes.claim_round_s,
        say=bench.say,
    )
    bench.details["claims"] = asdict(found)
    bench.line |= {
        "claims_per_s": found.claims_per_s,
        "lives_per_s": found.lives_per_s,
        "cost_1m_over_10k": found.long_over_short,
    }


async def projector(bench: Bench) -> None:
    async with bench.ground("projector") as place:
        found = await measure_projector(place, commands=bench.sizes.whole_lives, say=bench.say)
    bench.details["projector"] = asdict(found)
    bench.line |= {"projector_per_s": found.per_s}


async def rebuilding(bench: Bench) -> None:
    events, per_s = bench.sizes.rebuild, bench.line.get("projector_per_s")
    if per_s is not None:
        events = min(events, int(per_s * bench.sizes.rebuild_s))  # a slow machine folds fewer, and says how many
    async with bench.ground("rebuild") as place:
        found = await measure_rebuild(place, events=events, say=bench.say)
    bench.details["rebuild"] = asdict(found)
    bench.line |= {"rebuild_events": found.events, "rebuild_s": found.seconds}


async def replay(bench: Bench) -> None:
    sizes = bench.sizes
    async with bench.ground("replay") as place:
        found = await measure_replay(place, records=sizes.replay, rounds=sizes.replay_rounds, say=bench.say)
    bench.details["replay"] = asdict(found)
    bench.line |= {"replay_per_s": found.per_s, "replay_over_raw": found.over_raw}


async def memory(bench: Bench) -> None:
    sizes = bench.sizes
    async with bench.ground("memory", pause_s=_SLOW_S) as place:
        found = await measure_memory(place, backlog=sizes.backlog, seconds=sizes.memory_s, say=bench.say)
    bench.details["memory"] = asdict(found)
    bench.line["rss_mb"] = found.most_mb


async def webhooks(bench: Bench) -> None:
    async with bench.ground("webhooks") as place:
        found = await measure_webhooks(place, per_s=bench.sizes.webhooks_per_s, seconds=bench.sizes.webhooks_s)
    bench.details["webhooks"] = asdict(found)
    bench.line |= {f"webhooks_{name}": value for name, value in asdict(found).items()}


async def profile(bench: Bench) -> None:
    """Processor time of one command in the worker, by part of the code."""
    path = bench.folder / "profile.json"
    async with bench.ground("profile") as place:
        found = await hub_round(place, bench.sizes.profile, limit_s=bench.sizes.round_s, profile=path)
    said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    whole, samples = found.processor_us.get("loop", 0.0), max(said["samples"], 1)
    shares = {part: round(count * whole / samples, 1) for part, count in said["parts"].items()}
    bench.details["profile"] = {**asdict(found), **said}
    bench.line["processor_us_per_command"] = shares


PARTS: Final[Mapping[str, Part]] = {
    "loops": loops,
    "two-workers": two_workers,
    "latency": latency,
    "profile": profile,
    "provider": provider,
    "claims": claims,
    "projector": projector,
    "replay": replay,
    "rebuild": rebuilding,
    "memory": memory,
    "webhooks": webhooks,
}
"""What a whole run does, in this order."""
SINGLE: Final[Mapping[str, Part]] = {"bare": bare, "naive": naive, "hub": hub}
"""Pieces of `loops` that can be asked for one by one."""


async def run_bench(sizes: Sizes, say: Say, *, part: str | None = None) -> Bench:
    """Run everything, or the one `part`, on a local stack that is ended afterwards.

    Raises:
        LocalStackError: a server or process does not start.
        NotPerformed: a loop did something else than it was measured for.
    """
    chosen = PARTS if part is None else {part: {**PARTS, **SINGLE}[part]}
    with tempfile.TemporaryDirectory(prefix="kolaj-bench-") as name:
        say("starting Kafka and PostgreSQL")
        async with local_stack(brief=False) as stack:
            return await run_parts(Bench(stack, Path(name), sizes, say), chosen)


async def run_parts(bench: Bench, parts: Mapping[str, Part]) -> Bench:
    """Run these parts on a stack that is there."""
    for name, part in parts.items():
        bench.say(f"— {name}")
        began = time.monotonic()
        await part(bench)
        bench.took_s[name] = round(time.monotonic() - began, 1)
        bench.say(f"  {name} took {bench.took_s[name]:g} s")
    bench.line["seconds"] = round(sum(bench.took_s.values()), 1)
    return bench


def _keep_loops(bench: Bench, **rounds: list[Round]) -> None:
    """Rates are medians. Each ratio is the median over pairs of neighbouring rounds, for machines have moods."""
    for name, found in rounds.items():
        bench.line[f"{name}_per_s"] = round(median(one.per_s for one in found))
        bench.details[name] = [asdict(one) for one in found]
    for other in ("bare", "naive"):
        if "hub" in rounds and other in rounds:
            pairs = zip(rounds["hub"], rounds[other], strict=True)
            bench.line[f"hub_over_{other}"] = round(median(ours.per_s / theirs.per_s for ours, theirs in pairs), 3)
    if "hub" in rounds and "bare" in rounds:
        costs = [
            (theirs.processor_us.get("loop", 0.0), ours.processor_us.get("loop", 0.0))
            for ours, theirs in zip(rounds["hub"], rounds["bare"], strict=True)
        ]
        known = [theirs / ours for theirs, ours in costs if ours]
        # The same ratio by the loops' own processor time, which other work on the machine does not move.
        bench.line["bare_over_hub_processor"] = round(median(known), 3) if known else None
