"""Samples of providers' calls to us as cases: a call as it comes, what is signed of it, and what we make of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from providers.connector import Connector
from providers.notices import Call, Fetched, Notice, Refused, Webhooks
from providers.registry import connectors, folder_of


@dataclass(frozen=True, slots=True)
class SampleCall:
    """One signed call.

    Attributes:
        tolerance_s: how far its signed moment may lie from the arrival; `None` where the scheme has no moment.
        signed: pieces of the body of which every byte counts.
        taken: what the provider has to hear: status and body.
    """

    connector: Connector
    webhooks: Webhooks
    name: str
    kind: str
    origin: str
    call: Call
    tolerance_s: float | None
    signed: tuple[bytes, ...]
    expected: Mapping[str, Any]
    taken: tuple[int, bytes]

    def read(self, **changed: Any) -> Notice | Refused:
        return self.webhooks.read(replace(self.call, **changed))

    def notice(self, **changed: Any) -> Notice:
        found = self.read(**changed)
        assert isinstance(found, Notice), found
        return found

    def arriving(self, late_s: float) -> datetime:
        return self.call.arrived_at + timedelta(seconds=late_s)

    def places(self) -> list[int]:
        """Where in the body the bytes are that are signed."""
        starts = [(self.call.body.index(piece), len(piece)) for piece in self.signed]
        return [place for start, length in starts for place in range(start, start + length)]

    def other_secrets(self) -> Mapping[str, SecretStr]:
        """Those of another account."""
        return {
            name: SecretStr(f"{secret.get_secret_value()}-of-another")
            for name, secret in self.call.credentials[0].items()
        }


def sample_calls() -> list[SampleCall]:
    return [
        _sample(connector, connector.webhooks, path)
        for connector in connectors().values()
        if connector.webhooks is not None
        for path in sorted((folder_of(connector) / "samples" / "webhooks").glob("*.json"))
    ]


def header_bytes_changed(headers: Mapping[str, str], name: str, place: int, flip: int) -> Mapping[str, str]:
    """The headers with one byte of one value changed."""
    value = bytearray(headers[name].encode("latin-1"))
    value[place] ^= flip
    return {**headers, name: value.decode("latin-1")}


def changed(body: bytes, place: int, flip: int) -> bytes:
    """The body with one byte changed."""
    spoiled = bytearray(body)
    spoiled[place] ^= flip
    return bytes(spoiled)


def _fetched(said: Mapping[str, str]) -> Fetched:
    """What the call is verified by, and the authority that is trusted for it."""
    return Fetched(said["address"], said["body"].encode(), said["roots"].encode())


def _sample(connector: Connector, webhooks: Webhooks, path: Path) -> SampleCall:
    said = json.loads(path.read_text(encoding="utf-8"))
    credentials: Sequence[Mapping[str, SecretStr]] = (
        {name: SecretStr(value) for name, value in said["credentials"].items()},
    )
    return SampleCall(
        connector=connector,
        webhooks=webhooks,
        name=path.stem,
        kind=said["kind"],
        origin=said["origin"],
        call=Call(
            headers=said["headers"],
            body=said["body"].encode(),
            credentials=credentials,
            arrived_at=datetime.fromisoformat(said["arrived_at"]),
            settings=connector.settings.model_validate(said["settings"]),
            environment=said["environment"],
            fetched=_fetched(said["fetched"]) if "fetched" in said else None,
        ),
        tolerance_s=said["tolerance_s"],
        signed=tuple(piece.encode() for piece in said["signed"]),
        expected=said["expected"],
        taken=(said["taken"]["status"], said["taken"]["body"].encode()),
    )
