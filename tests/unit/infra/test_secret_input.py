import io
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from infra.cli.failing import Failed
from infra.cli.secret_input import read_secrets

KNOWN = ("api_key", "secret_key")
VALUE = "open-sesame"


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (KNOWN, f"{VALUE}\n{VALUE}2\n"),
        (KNOWN, f"{VALUE}\r\n{VALUE}2"),
        ((), f'{{"api_key": "{VALUE}", "secret_key": "{VALUE}2"}}'),
        (KNOWN, f' {{"api_key": "{VALUE}", "secret_key": "{VALUE}2"}}\n'),
    ],
)
def test_values_come_a_line_for_each_name_or_as_an_object(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: Sequence[str], text: str
) -> None:
    file = tmp_path / "values"
    file.write_bytes(text.encode())
    given(monkeypatch, text)
    for source in (None, Path("-"), file):
        given(monkeypatch, text)
        found = read_secrets(names, source, known=KNOWN)
        assert {name: secret.reveal() for name, secret in found.items()} == {
            "api_key": VALUE,
            "secret_key": f"{VALUE}2",
        }


@pytest.mark.parametrize(
    ("names", "text", "says"),
    [
        (KNOWN, VALUE, "1 lines for 2 names"),
        (("token",), f"{VALUE} {VALUE}", "token has a blank"),
        (("token",), f'"{VALUE}"', "token stands in quotation marks"),
        (("token",), f" {VALUE}", "token begins or ends with a blank"),
        (("token",), f"{VALUE}\u200b", "token has a blank or an unprintable character"),
        (("token",), "\n", "token is empty"),
        (("token",), VALUE * 500, "token is longer than"),
        (("token",), f'{{"token": "{VALUE}"', "no JSON object"),
        (("token",), f'{{"token": "a", "other": "{VALUE}"}}', "not asked for"),
        ((), '{"token": 5}', "token is not a text"),
        ((), '{"token": null}', "token is not a text"),
    ],
)
def test_what_cannot_be_right_is_named_and_never_repeated(
    monkeypatch: pytest.MonkeyPatch, names: Sequence[str], text: str, says: str
) -> None:
    given(monkeypatch, text)
    with pytest.raises(Failed, match=says) as refused:
        read_secrets(names, None)
    assert VALUE not in str(refused.value)


@pytest.mark.parametrize(
    ("names", "text", "known", "says"),
    [
        (("token",), VALUE, KNOWN, "no secret token; it needs api_key, secret_key"),
        ((), f'{{"token": "{VALUE}"}}', KNOWN, "no secret token"),
        (("Token",), VALUE, (), "no name of a secret"),
        (("şifre",), VALUE, (), "no name of a secret"),
        ((), VALUE, (), "say which secrets"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, names: Sequence[str], text: str, known: Sequence[str], says: str
) -> None:
    given(monkeypatch, text)
    with pytest.raises(typer.BadParameter, match=says) as refused:
        read_secrets(names, None, known=known)
    assert VALUE not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary"):
        with pytest.raises(Failed, match=name):
            read_secrets(("token",), tmp_path / name)
