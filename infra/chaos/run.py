"""One seed: set the stage, publish, break things, let it come to rest, and weigh what is there."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.chaos.conduct import Conductor
from infra.chaos.evidence import Evidence, gather
from infra.chaos.load import load, moment
from infra.chaos.plan import Fault, counted, plan
from infra.chaos.posts import Diary, Post
from infra.chaos.settle import Settling, Unsettled
from infra.chaos.stage import ABSENCE_S, SHORT, Stage, stage
from infra.chaos.weighing import Weighed, weigh
from streams.topics import Topics

Say = Callable[[str], None]

LIMIT_S: Final = 235.0
"""For everything: what is not settled some time before is weighed as it lies."""
_WEIGHING_S: Final = 40.0
_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one run is to be. `seconds` is how long commands flow and things break."""

    seed: int
    seconds: float
    brokers: int
    commands: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run found."""

    wanted: Wanted
    commands: int
    faults: int
    weighed: Weighed
    seconds: float

    @property
    def passed(self) -> bool:
        found = self.weighed
        return (
            not found.problems
            and found.results == self.commands
            and found.lost == found.charged_twice == 0
            and found.result_ids_per_command_max == 1
            and found.tables_equal_replay
            and found.unknown == found.unknown_explained
        )

    def line(self) -> dict[str, Any]:
        """The seed's line of output."""
        found = self.weighed
        return {
            "seed": self.wanted.seed,
            "commands": self.commands,
            "faults": self.faults,
            "results": found.results,
            "lost": found.lost,
            "charged_twice": found.charged_twice,
            "result_ids_per_command_max": found.result_ids_per_command_max,
            "tables_equal_replay": found.tables_equal_replay,
            "unknown": found.unknown,
            "unknown_explained": found.unknown_explained,
            "problems": len(found.problems),
            "seconds": round(self.seconds, 1),
        }


async def run_chaos(wanted: Wanted, say: Say) -> Outcome:
    """Run one seed. It takes four minutes at most.

    Raises:
        LocalStackError: a server does not start; the message ends with its log.
    """
    run = _Run(wanted, say)
    run.announce()
    try:
        async with stage(run.folder, brokers=wanted.brokers, seed=wanted.seed) as running:
            weighed = await run.play(running)
            if weighed.problems:
                await asyncio.to_thread(_keep_server_logs, running, run.folder)
    except BaseException:
        say(f"it broke off; the logs lie in {run.folder}")
        raise
    return await run.outcome(weighed)


class _Run:
    def __init__(self, wanted: Wanted, say: Say) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"kolaj-chaos-{wanted.seed}-"))
        self._wanted = wanted
        self._say = say
        self._began = time.monotonic()
        self._faults = plan(wanted.seed, wanted.seconds, wanted.brokers)
        self._began_ms = int(time.time() * 1000)
        topic = Topics().payment_commands.name
        self._load = load(wanted.seed, wanted.commands, topic, moment(self._began_ms))

    def announce(self) -> None:
        wanted, made = self._wanted, self._load
        self._say(
            f"seed {wanted.seed}: {counted(self._faults)} faults in {wanted.seconds:g} s, {wanted.brokers} broker(s), "
            f"{len(made.commands)} commands in {len(made.records)} records: {made.duplicates} copies, "
            f"{made.unreadable} unreadable, {made.conflicts} under another command's id"
        )
        settings = ", ".join(f"{name}={value}" for name, value in SHORT.items())
        self._say(f"settings: {settings}, absence_window_s={ABSENCE_S}")
        for fault in self._faults:
            self._say(str(fault))

    async def play(self, running: Stage) -> Weighed:
        """Break things, come to rest, and weigh."""
        async with _watched(running.posts):
            self._tell_time("publishing")
            await self._disturb(running)
            self._tell_time("the last fault is over; waiting until all is done")
            late = await _come_to_rest(running, Settling(running, self._began + LIMIT_S - _WEIGHING_S))
        for post in running.posts:
            await post.stop()
        self._tell_time("weighing")
        evidence = await gather(running)
        found = weigh(evidence, self._load.commands, running.diary.moments)
        found.problems += running.diary.problems
        if late is not None:
            found.problems.insert(0, f"it did not come to rest in time: {late}")
        if found.problems:
            await asyncio.to_thread(_write_evidence, self.folder, evidence, running.diary, self._faults)
        self._tell(found, running.diary)
        return found

    async def outcome(self, weighed: Weighed) -> Outcome:
        """What came of it, once everything is stopped."""
        if weighed.problems:
            for problem in weighed.problems[:_SHOWN]:
                self._say(f"problem: {problem}")
            if len(weighed.problems) > _SHOWN:
                self._say(f"and {len(weighed.problems) - _SHOWN} more problems")
            self._say(f"logs, plan and evidence lie in {self.folder}")
        else:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        made = self._load
        faults = counted(self._faults) + made.duplicates + made.unreadable + made.conflicts
        return Outcome(self._wanted, len(made.commands), faults, weighed, time.monotonic() - self._began)

    async def _disturb(self, running: Stage) -> None:
        """Publish and break, until the list is published and every fault is over."""
        wanted, cursor = self._wanted, self.folder / "cursor"
        arguments = ["chaos", "publisher", "--seed", str(wanted.seed), "--commands", str(wanted.commands)]
        arguments += ["--began-ms", str(self._began_ms)]
        # The list is through a little before the last fault, as far as the publisher is let.
        rate = len(self._load.records) / (wanted.seconds * 0.85)
        sending = [*arguments, "--rate", f"{rate:.3f}", "--cursor", str(cursor)]
        publisher = Post(running.children, running.diary, "publisher", sending, once=True)
        publisher.start()
        async with _watched((publisher,)):
            await Conductor(running, publisher, arguments, cursor).run(self._faults)
            await publisher.done.wait()

    def _tell_time(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:.0f} s: {what}")

    def _tell(self, found: Weighed, diary: Diary) -> None:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.verdicts.items()))
        self._say(
            f"{found.results} of {len(self._load.commands)} results: {verdicts}; {found.republished} published again, "
            f"{found.late_outcomes} late outcomes, {diary.restarts} processes ended by themselves"
        )
        if found.unknown:
            why = ", ".join(f"{count} {cause}" for cause, count in sorted(found.explanations.items()))
            self._say(f"unknown outcomes explained: {why or 'none'}")


async def _come_to_rest(running: Stage, settling: Settling) -> str | None:
    """Wait until nothing is left to do; what was still open when the time was over, or `None`."""
    try:
        await settling.handled()
        await settling.performed()
        # Without them nothing is written any more, so that the log's end stays where it is.
        for post in running.workers:
            await post.stop()
        await settling.projected()
    except Unsettled as open_:
        return str(open_)
    return None


@asynccontextmanager
async def _watched(posts: Sequence[Post]) -> AsyncIterator[None]:
    """A supervisor for each of them, for the length of the block."""
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(post.watch()) for post in posts]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()


def _write_evidence(folder: Path, evidence: Evidence, diary: Diary, faults: Sequence[Fault]) -> None:
    (folder / "plan.txt").write_text("".join(f"{fault}\n" for fault in faults), encoding="utf-8")
    (folder / "diary.txt").write_text("".join(f"{moment}\n" for moment in diary.moments), encoding="utf-8")
    with (folder / "commands.jsonl").open("w", encoding="utf-8") as out:
        for asked in evidence.asked:
            row = evidence.ledger.get(asked.command_id)
            facts = {
                "command_id": asked.command_id,
                "type": asked.command.type,
                "payment_id": asked.command.payment_id,
                "place": asked.place,
                "state": None if row is None else row.state,
                "references": () if row is None else row.references,
                "result": None if row is None or row.value is None else json.loads(row.value),
            }
            out.write(json.dumps(facts, ensure_ascii=False, default=str) + "\n")
    with (folder / "events.jsonl").open("w", encoding="utf-8") as out:
        for told in evidence.told:
            facts = {"place": told.place, "id": told.event_id, "body": json.loads(told.value)}
            out.write(json.dumps(facts, ensure_ascii=False) + "\n")


def _keep_server_logs(running: Stage, folder: Path) -> None:
    data_dir = running.stack.data_dir
    for log in data_dir.glob("**/server.log") if data_dir is not None else ():
        shutil.copy(log, folder / f"{log.parent.name}.log")
