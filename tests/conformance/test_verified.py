"""Who verified what: declarations name vectors and tests that exist, and the README's table tells what they say."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli.providers import app
from providers.connector import Connector
from providers.reading import parse_json
from providers.registry import connectors
from providers.verified import Verified, offered, table, verified_by, verified_of, with_table
from tests.conformance.contract import contract_file
from tests.named_tests import ROOT, is_a_test

README = ROOT / "providers" / "README.md"
every_connector = pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])


@pytest.mark.parametrize("name", ["words", "amounts", "verified"])
@every_connector
def test_no_name_stands_twice_in_what_is_declared(connector: Connector, name: str) -> None:
    """As after a merge; the later one would win, and nobody see it."""
    assert isinstance(parse_json(contract_file(connector, name).read_bytes()), dict)


@every_connector
def test_only_what_a_connector_offers_is_declared(connector: Connector) -> None:
    verified = verified_of(connector)
    assert {*verified.proofs, *(name for one in verified.oracles for name in one.of or ())} <= {*offered(connector)}


@every_connector
def test_every_test_that_is_named_exists(connector: Connector) -> None:
    verified = verified_of(connector)
    named = [test for one in verified.proofs.values() for test in (*one.client, *one.sandbox)]
    named += [test for oracle in verified.oracles for test in oracle.tests]
    assert [test for test in named if not is_a_test(test)] == []


@every_connector
def test_every_vector_that_is_named_exists(connector: Connector) -> None:
    proofs = verified_of(connector).proofs
    assert [named for one in proofs.values() for named in one.vectors if not _is_a_vector(named)] == []


@every_connector
def test_a_client_is_named_where_its_tests_are(connector: Connector) -> None:
    verified = verified_of(connector)
    assert (verified.client is not None) == any(proofs.client for proofs in verified.proofs.values())


def test_the_readmes_table_is_what_the_connectors_say() -> None:
    """`kolaj providers table --into providers/README.md` writes it anew."""
    text = README.read_text(encoding="utf-8")
    assert with_table(text, table(connectors().values())) == text


def test_what_is_not_declared_is_verified_by_samples_alone() -> None:
    proofs = {"create": {"client": ["a::b"], "vectors": ["c#d"]}, "capture": {"sandbox": ["a::b"]}}
    verified = Verified.model_validate_json(json.dumps({"standing": "independent", "proofs": proofs}))
    words = [verified_by(verified, name) for name in ("create", "capture", "refund")]
    assert words == ["independent client, vectors", "sandbox", "samples only"]


def test_a_specification_stands_for_what_is_sent_and_a_fake_for_what_it_was_asked() -> None:
    specification = {"by": "theirs 1", "standing": "specification", "tests": ["a::b"]}
    fake = {"by": "of others 2", "standing": "independent fake", "tests": ["a::b"], "of": ["create", "call event"]}
    verified = Verified.model_validate_json(json.dumps({"oracles": [specification, fake]}))
    words = [verified_by(verified, name) for name in ("create", "read bin", "call event", "call other")]
    assert words == ["specification, independent fake", "specification", "independent fake", "samples only"]


def test_the_command_line_prints_the_table_and_writes_it_between_its_marks(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["table"])
    assert printed.exit_code == 0
    assert printed.stdout == table(connectors().values())
    file = tmp_path / "README.md"
    file.write_text(
        "Before.\n<!-- kolaj providers table: begin -->\nold\n<!-- kolaj providers table: end -->\nAfter.\n"
    )
    assert CliRunner().invoke(app, ["table", "--into", str(file)]).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert printed.stdout in text
    assert "old" not in text
    assert (text.startswith("Before.\n"), text.endswith("After.\n")) == (True, True)


def test_a_file_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("Nothing.\n")
    assert CliRunner().invoke(app, ["table", "--into", str(file)]).exit_code != 0
    assert file.read_text(encoding="utf-8") == "Nothing.\n"


def _is_a_vector(named: str) -> bool:
    path, _, inside = named.partition("#")
    group, _, name = inside.partition("/")
    if not (ROOT / path).is_file():
        return False
    vectors: Any = json.loads((ROOT / path).read_text(encoding="utf-8")).get(group)
    names = vectors if isinstance(vectors, dict) else [vector.get("name") for vector in vectors or ()]
    return bool(vectors) and (not name or name in names)
