import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from providers.registry import connectors, load
from schemas.base import Frozen
from schemas.errors import SettingsError
from schemas.payments import DisputeLookUp
from schemas.payments.look_ups import BinLookUp, InstalmentLookUp
from schemas.payments.resources import Question

GOOD = """
from dataclasses import replace
from providers.payments.iyzico import CONNECTOR as IYZICO
CONNECTOR = replace(IYZICO, name={name!r})
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package of providers that can be imported under a name nobody else has."""
    monkeypatch.syspath_prepend(str(tmp_path))
    root = tmp_path / f"house_{uuid4().hex}"
    (root / "payments").mkdir(parents=True)
    yield root
    for name in [name for name in sys.modules if name.startswith(root.name)]:
        del sys.modules[name]


def _add(root: Path, kind: str, name: str, text: str) -> None:
    folder = root / kind / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text)


def test_the_hubs_own_folders_are_found() -> None:
    assert connectors()["iyzico"].name == "iyzico"


def test_a_question_is_an_operation_that_moves_nothing() -> None:
    operations = [operation for connector in connectors().values() for operation in connector.operations]
    asking = [operation for operation in operations if issubclass(operation.command, Question)]
    assert [operation.name for operation in asking if operation.moves_money] == []


@pytest.mark.parametrize(
    ("name", "question"), [("bin", BinLookUp), ("instalments", InstalmentLookUp), ("dispute", DisputeLookUp)]
)
def test_a_look_up_is_called_the_same_at_every_provider(name: str, question: type[Frozen]) -> None:
    reads = [read for connector in connectors().values() for read in connector.reads]
    assert {read.name for read in reads if read.question is question} <= {name}
    assert {read.question for read in reads if read.name == name} == {question}


def test_every_folder_is_found_and_nothing_else(house: Path) -> None:
    _add(house, "payments", "one", GOOD.format(name="one"))
    _add(house, "payments", "two", GOOD.format(name="two"))
    (house / "payments" / "__pycache__").mkdir()
    (house / "payments" / "README.md").write_text("")
    assert list(load(house, house.name)) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "exports no CONNECTOR"),
        ("CONNECTOR = 'one'", "exports no CONNECTOR"),
        ("import no_such_module_at_all", "cannot be imported"),
        (GOOD.format(name="other"), "give both one name"),
    ],
)
def test_a_broken_folder_stops_the_start(house: Path, text: str, says: str) -> None:
    _add(house, "payments", "one", text)
    with pytest.raises(SettingsError, match=says):
        load(house, house.name)


def test_a_name_used_twice_stops_the_start(house: Path) -> None:
    _add(house, "payments", "one", GOOD.format(name="one"))
    _add(house, "shipping", "one", GOOD.format(name="one"))
    with pytest.raises(SettingsError, match="used by another provider"):
        load(house, house.name)
