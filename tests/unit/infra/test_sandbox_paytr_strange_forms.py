import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.sandbox.paytr import Books, Keys, Store
from infra.sandbox.paytr.performing import Performer, Received
from infra.sandbox.paytr.signing import sign, signed_fields

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "paytr.json").read_text(encoding="utf-8"))
KEYS = Keys(**VECTORS["keys"])
STRANGE = (
    "",
    "0",
    "-1",
    "9" * 5000,
    "1e9",
    "٣",
    "Ş\u0000'\";--",
    "x" * 100_001,
    "9999-12-31 23:59:59",
    "9999-12-31",
    "0001-01-01",
    "[[]]",
    "[" * 3000,
    '{"a": 1}',
    "\ud800",
)


@pytest.fixture(scope="module")
def performer() -> Iterator[Performer]:
    with Books() as books:
        yield Performer(books, Store(keys=KEYS))


@pytest.mark.parametrize("vector", VECTORS["request"], ids=lambda vector: str(vector["name"]))
async def test_no_text_in_any_field_is_more_than_a_refusal(performer: Performer, vector: dict[str, Any]) -> None:
    path = vector["url"].removeprefix("https://www.paytr.com")
    for name in vector["form"]:
        for text in STRANGE:
            form = vector["form"] | {name: text.encode("utf-8", "replace").decode()}
            signed = "".join(form[field] for field in signed_fields(path, form) if field in form)
            form["paytr_token"] = sign(KEYS, signed + KEYS.merchant_salt) if name != "paytr_token" else text
            body = urlencode(form, errors="replace").encode()
            accepted = performer.accept(Received("POST", path, "http://127.0.0.1", body))
            assert accepted is not None
            answer = performer.refuse(accepted) or await performer.perform(accepted)
            assert answer, (name, text[:20])
