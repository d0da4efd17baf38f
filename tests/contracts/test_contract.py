import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.channels import channels, type_name
from infra.contracts import ASYNCAPI, TYPES, broken, documents, export
from schemas.payments import PAYMENT_COMMANDS, PAYMENT_EVENTS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
COMMITTED = ROOT / "schemas" / "contracts"


@pytest.fixture(scope="session")
def parser() -> Path:
    """The official parser, installed from the lock file once for each state of it."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "contract-check" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, folder)
        npm = shutil.which("npm")
        assert npm, "npm is needed: the contract is checked with the official AsyncAPI parser"
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [npm, "ci", "--no-progress"], cwd=folder, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, done.stderr
        (folder / "complete").touch()
    shutil.copy(HERE / "check.mjs", folder)
    return folder


def check(parser: Path, document: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    assert node, "node is needed: the contract is checked with the official AsyncAPI parser"
    command = [node, "check.mjs", str(document)]
    return subprocess.run(command, cwd=parser, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def test_the_committed_copy_is_what_the_code_says() -> None:
    committed = {str(path.relative_to(COMMITTED)): path.read_text() for path in COMMITTED.rglob("*.json")}
    assert committed == documents(), "run `kolaj contracts export schemas/contracts` and commit what changed"


def test_no_published_type_was_broken() -> None:
    assert broken(COMMITTED) == []


def test_the_official_parser_takes_the_committed_document(parser: Path) -> None:
    done = check(parser, COMMITTED / ASYNCAPI)
    messages = sum(len(channel.models) for channel in channels()) + 1
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"channels {len(channels()) + 1}, messages {messages}"
    assert "warning" not in done.stdout


def test_the_check_fails_on_a_document_that_is_wrong(parser: Path, tmp_path: Path) -> None:
    document = json.loads((COMMITTED / ASYNCAPI).read_text())
    document["operations"]["receivePaymentCommands"]["action"] = "perform"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(document))
    done = check(parser, wrong)
    assert done.returncode == 1
    assert "error: operations.receivePaymentCommands.action" in done.stdout


def test_every_payment_type_is_in_the_contract() -> None:
    listed = {type_name(model) for channel in channels() for model in channel.models}
    assert {model.type for model in (*PAYMENT_COMMANDS, *PAYMENT_EVENTS)} <= listed


def test_an_export_into_an_empty_folder_writes_all_and_a_second_one_nothing(tmp_path: Path) -> None:
    assert set(export(tmp_path)) == set(documents())
    assert export(tmp_path) == []


def test_the_rules_stand_in_the_document() -> None:
    document = json.loads((COMMITTED / ASYNCAPI).read_text())
    assert document["x-kolaj-partitioner"]["name"] == "murmur2"
    assert document["x-kolaj-deduplication"]["by"] == ["ce_source", "ce_id"]
    assert set(document["x-kolaj-verdicts"]) == {"accepted", "refused", "pending", "unknown"}
    created = document["components"]["messages"]["PaymentCreated"]["headers"]["allOf"]
    assert any("kolaj-republished" in part.get("properties", {}) for part in created)


def test_each_type_has_a_schema_that_stands_alone() -> None:
    for path in (COMMITTED / TYPES).glob("*.json"):
        text = path.read_text()
        schema = json.loads(text)
        assert schema["title"] == path.name.removesuffix(".schema.json")
        assert "#/components/" not in text
