"""The least rights of each process at Kafka: read from one file, and written as the broker's own tool takes them."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from schemas.errors import SettingsError

Resource = Literal["topic", "group"]
Pattern = Literal["literal", "prefixed"]

ANY_HOST: Final = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one principal may do with the topics or groups of a name, or of all names that begin so."""

    principal: str
    resource: Resource
    name: str
    pattern: Pattern
    operations: tuple[str, ...]


def roles() -> dict[str, str]:
    """Every role with what it is for."""
    return {name: role["about"] for name, role in _roles().items()}


def default_principals(prefix: str) -> dict[str, str]:
    """A principal for each role, named after prefix and role."""
    return {role: f"User:{prefix}-{role}" for role in roles()}


def rules(prefix: str, principals: Mapping[str, Iterable[str]]) -> list[Rule]:
    """The rules that let these principals, by role, do their work on one prefix.

    Raises:
        SettingsError: there is no such role, or a principal is not like `User:name`.
    """
    found = []
    for role, named in principals.items():
        if role not in _roles():
            raise SettingsError(f"there is no role {role}; there are {', '.join(_roles())}")
        for principal in named:
            kind, colon, user = principal.partition(":")
            if not (kind == "User" and colon and user):
                raise SettingsError(f"{principal} is no principal of Kafka; write it like User:name")
            found += [
                Rule(
                    principal,
                    entry["resource"],
                    entry["name"].format(prefix=prefix, user=user),
                    entry.get("pattern", "literal"),
                    tuple(entry["operations"]),
                )
                for entry in _roles()[role]["allow"]
            ]
    return found


def command_line(rule: Rule, bootstrap: str, *, remove: bool = False) -> str:
    """One call of `kafka-acls.sh`; `admin.properties` says how the administrator is let in."""
    words = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--command-config", "admin.properties"]
    words += ["--remove", "--force"] if remove else ["--add"]
    words += ["--allow-principal", rule.principal, "--allow-host", ANY_HOST]
    for operation in rule.operations:
        words += ["--operation", operation]
    words += [f"--{rule.resource}", rule.name, "--resource-pattern-type", rule.pattern]
    return shlex.join(words)


@cache
def _roles() -> dict[str, Any]:
    text = files("infra.deploy.kafka").joinpath("acls.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["roles"]
    return found
