import sys
from pathlib import Path

import pytest

from tests.oracles import stripe_mock
from tests.oracles.requirement import REQUIRED, lacking


def test_a_missing_oracle_skips_its_tests_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no compiler"):
        lacking("There is no compiler.")


@pytest.mark.parametrize(("name", "value"), [(REQUIRED, "required"), ("CI", "true")])
def test_a_missing_oracle_is_a_failure_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(pytest.fail.Exception, match=r"no compiler\. The oracles are required here"):
        lacking("There is no compiler.")


def test_a_build_that_fails_says_what_its_program_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('go.sum has another digest')"]
    with pytest.raises(stripe_mock.CannotBuild, match=r"failed: go\.sum has another digest"):
        stripe_mock._run(command, tmp_path, {})
    with pytest.raises(stripe_mock.CannotBuild, match="did not run"):
        stripe_mock._run([str(tmp_path / "nothing")], tmp_path, {})


def test_a_stripe_mock_that_is_here_already_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(stripe_mock.OWN, str(tmp_path / "stripe-mock"))
    assert stripe_mock.binary() == tmp_path / "stripe-mock"
