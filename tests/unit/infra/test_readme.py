"""What the README names must exist, and what exists must be in it."""

import re
import tomllib
from pathlib import Path

import pytest

from infra.cli.app import COMMANDS
from infra.deploy.acls import roles
from infra.settings import Settings

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROVIDERS = (ROOT / "providers" / "README.md").read_text(encoding="utf-8")
DEPLOY = (ROOT / "infra" / "deploy" / "README.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
REQUIRED = {"KAFKA_BOOTSTRAP", "DATABASE_URL"}


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", README + SECURITY))))
def test_a_test_that_shows_a_guarantee_exists(named: str) -> None:
    path, _, name = named.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "text"),
    [(ROOT, README), (ROOT / "providers", PROVIDERS), (ROOT / "infra" / "deploy", DEPLOY), (ROOT, SECURITY)],
    ids=["README.md", "providers/README.md", "infra/deploy/README.md", "SECURITY.md"],
)
def test_links_lead_somewhere(folder: Path, text: str) -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert [link for link in links if not (folder / link).exists()] == []


def test_links_within_the_page_lead_to_a_heading() -> None:
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.casefold()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) - anchors == set()


@pytest.mark.parametrize("text", [README, DEPLOY, SECURITY], ids=["README.md", "infra/deploy/README.md", "SECURITY.md"])
def test_files_and_folders_that_are_named_exist(text: str) -> None:
    top = r"(?:schemas|streams|providers|agents|projections|infra|tests)"
    named = set(re.findall(rf"`({top}/[\w/.-]*)`", text))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", README, re.MULTILINE))
    defaults = {name.strip("` "): default.strip() for names, default in rows.items() for name in names.split(",")}
    wrong = {}
    for field in Settings.model_fields.values():
        alias = str(field.validation_alias)
        told, value = defaults.get(alias), field.default
        expected = {f"`{value:g}`" if isinstance(value, float) else f"`{value}`"}
        if isinstance(value, tuple):
            expected = {f"`{','.join(map(str, value))}`"}
        if not value or alias in REQUIRED:
            expected = {"none", "none, required", "the system's"}
        if told not in expected:
            wrong[alias] = (told, expected)
    assert wrong == {}


def test_every_command_is_in_the_table() -> None:
    assert [name for name in COMMANDS if not re.search(rf"^\| `kolaj {name}[ `]", README, re.MULTILINE)] == []


def test_every_role_at_kafka_has_its_process_in_the_table() -> None:
    assert [role for role in roles() if f"`{role}`" not in DEPLOY] == []


def test_every_decision_is_listed() -> None:
    records = [path.name for path in sorted((ROOT / "infra" / "decisions").glob("*.md"))]
    assert [name for name in records if f"(infra/decisions/{name})" not in README] == []


def test_every_dependency_is_told_about() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.split(r"[<>=\[]", line)[0] for line in wanted]
    listed = README[README.index("## Dependencies") : README.index("## Decisions")]
    assert [name for name in names if name not in listed and name.removeprefix("opentelemetry") not in listed] == []
