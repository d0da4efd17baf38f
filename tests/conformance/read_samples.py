"""Samples of a provider's declared reads as cases: a question, their answer to it, and what we make of it."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from providers.connector import Answer, Connector, Read
from providers.judging import Case, judge_read
from providers.outcome import ReadResult
from providers.registry import connectors, folder_of
from tests.conformance.samples import an_integration

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReadSample:
    connector: Connector
    name: str
    origin: str
    read: Read[Any, Any, Any]
    question: Any
    path: str
    answer: Answer
    words: tuple[str, ...]
    expected: dict[str, Any]

    def judge(self, **changed: Any) -> ReadResult:
        """The sample's answer, changed or as it is, through the machinery's judgement."""
        request = self.read.build(self.question)
        case = Case(integration=an_integration(self.connector), operation=self.read.name, request=request, now=NOW)
        return judge_read(case, self.read, self.question, replace(self.answer, **changed))


def read_samples() -> list[ReadSample]:
    return [
        _sample(connector, path)
        for connector in connectors().values()
        for path in sorted((folder_of(connector) / "samples" / "reads").glob("*.json"))
    ]


def a_question(connector: Connector, read: Read[Any, Any, Any]) -> Any:
    """One that the read may be asked."""
    return next(one.question for one in read_samples() if one.connector is connector and one.read is read)


def _sample(connector: Connector, path: Path) -> ReadSample:
    said = json.loads(path.read_text(encoding="utf-8"))
    read = connector.read_named(said["read"])
    assert read is not None, path
    return ReadSample(
        connector=connector,
        name=path.stem,
        origin=said["origin"],
        read=read,
        question=read.question.model_validate_json(json.dumps(said["question"])),
        path=said["path"],
        answer=Answer(said["status"], {"content-type": said["content_type"]}, said["body"].encode(), None),
        words=tuple(said["words"]),
        expected=said["expected"],
    )
