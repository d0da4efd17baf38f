import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer import BadParameter

from infra.cli.by_hand import named
from infra.cli.command_lines import BadLine, read_lines
from infra.cli.failing import ExitCode, Failed, exit_code, root_error
from infra.cli.record_json import as_json, bytes_of
from infra.local import LocalStackError
from schemas.errors import SettingsError, StoreError
from schemas.ids import new_id
from schemas.payments.resources import StoreCard
from streams.codec import Outgoing
from streams.records import RawRecord
from tests.builders import a_create_payment
from tests.resource_builders import a_resource_command


def kolaj(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "infra.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def a_line(**changed: Any) -> dict[str, Any]:
    body = a_create_payment()
    data = body.model_dump(mode="json", exclude_none=True)
    return {"id": str(new_id()), "type": body.type, "source": "/shop", "data": data, **changed}


def read(*lines: Any, raw: bool = False) -> list[Outgoing | BadLine]:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(read_lines(texts, "commands", raw=raw))


def test_a_line_about_a_resource_is_keyed_by_it() -> None:
    body = a_resource_command(StoreCard)
    (record,) = read(a_line(type=body.type, data=body.model_dump(mode="json", exclude_none=True)))
    assert isinstance(record, Outgoing), record
    assert record.key == body.key.encode()


def test_help_names_the_commands_and_the_exit_codes_and_loads_none_of_them() -> None:
    code = (
        "import sys; from infra.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('aiokafka', 'pydantic', 'opentelemetry', 'faust') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    for word in ("publish", "replay", "dead-letters", "doctor", "Exit codes"):
        assert word in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["publish", "results", "replay", "dead-letters", "contracts", "doctor", "sandbox"])
def test_every_command_has_help(command: str) -> None:
    done = kolaj(command, "--help")
    assert (done.returncode, "Usage: kolaj " + command in done.stdout) == (0, True), done.stderr


def test_a_word_that_is_no_command_gets_a_hint() -> None:
    done = kolaj("publis")
    assert done.returncode == 2
    assert "Did you mean 'publish'?" in done.stderr


def test_the_version_is_told() -> None:
    assert kolaj("--version").stdout.startswith("kolaj 0.")


def test_the_contract_is_written_and_checked(tmp_path: Path) -> None:
    first = kolaj("contracts", "export", str(tmp_path), "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["files"] == len(json.loads(first.stdout)["changed"])
    assert kolaj("contracts", "export", str(tmp_path), "--check").returncode == 0
    (tmp_path / "asyncapi.json").write_text("{}")
    assert kolaj("contracts", "export", str(tmp_path), "--check").returncode == 1


def test_a_fault_that_cannot_be_read_is_a_usage_error() -> None:
    done = kolaj("sandbox", "iyzico", "--fault", "nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr


@pytest.mark.parametrize("provider", ["iyzico", "paytr"])
def test_the_sandbox_serves_until_it_is_told_to_stop(provider: str) -> None:
    command = [sys.executable, "-m", "infra.cli", "sandbox", provider, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        host, _, port = said["base_url"].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10):
            process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed("x"), ExitCode.FAILED),
        (LocalStackError("x"), ExitCode.FAILED),
        (StoreError("x"), ExitCode.UNREACHABLE),
        (SettingsError("x"), ExitCode.SETTINGS),
        (ExceptionGroup("x", [ExceptionGroup("y", [StoreError("x")])]), ExitCode.UNREACHABLE),
    ],
)
def test_errors_have_their_codes_also_out_of_groups(error: Exception, code: ExitCode) -> None:
    root = root_error(error)
    assert isinstance(root, StoreError | SettingsError | Failed | LocalStackError)
    assert exit_code(root) == code


@pytest.mark.parametrize("error", [KeyError("bug"), ExceptionGroup("x", [StoreError("x"), KeyError("bug")])])
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    assert root_error(error) is None


def test_empty_lines_are_passed_over_and_numbers_stay_those_of_the_file() -> None:
    (bad,) = read(b"", b"  ", b"[1]")
    assert bad == BadLine(3, "", "must be a JSON object: one CloudEvent")


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        (b"\xff", "", "is not UTF-8"),
        (b"[" * 100_000, "", "cannot be read"),
        (a_line(id="7"), "id", "must be a UUID"),
        (a_line(id=7), "id", "must be text"),
        (a_line(type="payments.teleport.v1"), "type", "no such type"),
        (a_line(source="a shop"), "source", "printable ASCII"),
        (a_line(source="\ud800"), "source", "lone surrogate"),
        (a_line(time="yesterday"), "time", "RFC 3339"),
        (a_line(specversion="0.3"), "specversion", "must be 1.0"),
        (a_line(datacontenttype="text/xml"), "datacontenttype", "application/json"),
        (a_line(colour="red"), "colour", "no such member"),
        (a_line(data=[]), "data", "must be an object"),
        (a_line(data={"payment_id": "\ud800"}), "data", "UTF-8"),
        ({"type": "t", "source": "s", "data": {}}, "id", "is missing"),
        ({"raw": "x"}, "raw", "--raw"),
    ],
)
def test_a_bad_line_is_told_with_its_field(line: Any, field: str, says: str) -> None:
    (bad,) = read(line)
    assert isinstance(bad, BadLine)
    assert bad.field.startswith(field)
    assert says in bad.detail


def test_a_field_of_the_body_is_told_with_its_path() -> None:
    line = a_line()
    line["data"]["basket"][0]["price"]["minor"] = 0
    (bad,) = read(line)
    assert isinstance(bad, BadLine)
    assert bad.field == "data.basket.0.price.minor"


def test_a_card_number_is_refused_and_not_repeated() -> None:
    line = a_line()
    line["data"]["buyer"]["name"] = "5528790000000008"
    (bad,) = read(line)
    assert isinstance(bad, BadLine)
    assert (bad.field, "5528790000000008" in str(bad)) == ("data.buyer.name", False)


@pytest.mark.parametrize(
    "raw", [{"raw": 1}, {"raw": "x", "key": []}, {"raw": "x", "headers": 3}, {"raw": {"base64": "!"}}]
)
def test_a_raw_line_that_is_no_record_is_told(raw: dict[str, Any]) -> None:
    (bad,) = read(raw, raw=True)
    assert isinstance(bad, BadLine)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"raw": "no JSON: 5528 7900 0000 0008"}, "value"),
        ({"raw": '{"a":{"b":5528790000000008}}'}, "a.b"),
        ({"raw": "x", "key": "5528790000000008"}, "key"),
        ({"raw": "x", "headers": {"note": "5528790000000008"}}, "note"),
    ],
)
def test_an_unchecked_line_carries_no_card_number_either(raw: dict[str, Any], field: str) -> None:
    (bad,) = read(raw, raw=True)
    assert isinstance(bad, BadLine)
    assert (bad.field, "55287" in str(bad)) == (field, False)


def test_what_operators_say_holds_no_card_number() -> None:
    assert named("  seen in   the panel ", "--evidence") == "seen in the panel"
    with pytest.raises(BadParameter, match="holds a card number") as raised:
        named("paid with 5528 7900 0000 0008", "--evidence")
    assert "7900" not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"", b"text", "ıİ😀".encode(), b"\xff\x00"])
def test_bytes_survive_json(content: bytes | None) -> None:
    record = RawRecord("t", 0, 1, 2, content, content, (("h", content),))
    shown = json.loads(json.dumps(as_json(record)))
    assert bytes_of(shown["value"]) == bytes_of(shown["key"]) == bytes_of(shown["headers"][0][1]) == content
