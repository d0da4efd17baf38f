"""The least rights at Kafka, as data and as lines of Kafka's own tool. That they suffice, a running hub shows."""

import re

import pytest
from typer.testing import CliRunner

from infra.cli.acls import app
from infra.deploy.acls import Rule, command_line, default_principals, roles, rules
from schemas.errors import SettingsError
from streams.topics import Topics

OPERATIONS = {"Read", "Write", "Create", "Describe", "DescribeConfigs"}


def of(role: str) -> list[Rule]:
    return rules("kolaj", {role: ["User:someone"]})


def allows(rule: Rule, operation: str, topic: str) -> bool:
    matches = topic == rule.name if rule.pattern == "literal" else topic.startswith(rule.name)
    return rule.resource == "topic" and operation in rule.operations and matches


def may(role: str, operation: str) -> set[str]:
    return {topic.name for topic in Topics().all() for rule in of(role) if allows(rule, operation, topic.name)}


@pytest.mark.parametrize("topic", [topic.name for topic in Topics().all()])
def test_every_topic_has_somebody_who_writes_and_somebody_who_reads(topic: str) -> None:
    for operation in ("Read", "Write"):
        assert [role for role in roles() if topic in may(role, operation)], operation


@pytest.mark.parametrize("role", list(roles()))
def test_no_rule_allows_everything_or_reaches_beyond_the_prefix(role: str) -> None:
    for rule in of(role):
        assert set(rule.operations) <= OPERATIONS
        assert rule.name.startswith(("kolaj.", "someone"))
        assert "*" not in rule.name


@pytest.mark.parametrize(
    "role", [role for role in roles() if role not in {"publisher", "gateway", "operator", "worker"}]
)
def test_only_those_who_are_trusted_with_money_write_commands(role: str) -> None:
    assert "kolaj.payments.commands" not in may(role, "Write")


@pytest.mark.parametrize("role", [role for role in roles() if role not in {"worker", "restorer"}])
def test_only_a_worker_writes_results(role: str) -> None:
    assert "kolaj.payments.events" not in may(role, "Write")


@pytest.mark.parametrize("role", [role for role in roles() if role != "projector"])
def test_only_a_projector_anchors_the_audit_chain(role: str) -> None:
    assert "kolaj.audit.anchors" not in may(role, "Write")


@pytest.mark.parametrize("role", ["publisher", "result-consumer", "gateway", "auditor"])
def test_commands_of_others_are_read_by_nobody_who_need_not(role: str) -> None:
    assert "kolaj.payments.commands" not in may(role, "Read")


def test_a_prefix_is_part_of_every_name() -> None:
    assert {rule.name for rule in rules("live-1", {"publisher": ["User:shop"]})} == {"live-1.payments.commands"}


def test_a_line_says_who_may_do_what_with_which_names() -> None:
    rule = Rule("User:the shop", "topic", "kolaj.retries.", "prefixed", ("Read", "Write"))
    assert command_line(rule, "kafka:9092") == (
        "kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties --add "
        "--allow-principal 'User:the shop' --allow-host '*' --operation Read --operation Write "
        "--topic kolaj.retries. --resource-pattern-type prefixed"
    )


def test_every_role_is_printed_with_a_principal_of_its_own() -> None:
    printed = CliRunner().invoke(app, ["--prefix", "live"]).stdout.splitlines()
    named = {re.findall(r"--allow-principal (\S+)", line)[0] for line in printed}
    assert named == set(default_principals("live").values())


def test_only_the_asked_role_is_printed_and_can_be_taken_back() -> None:
    printed = CliRunner().invoke(app, ["--principal", "publisher=User:shop", "--remove"]).stdout
    assert printed.count("\n") == 1
    assert "--remove --force --allow-principal User:shop" in printed


@pytest.mark.parametrize(
    ("principals", "says"),
    [({"boss": ["User:x"]}, "there is no role boss; there are deployer"), ({"worker": ["x"]}, "like User:name")],
)
def test_a_role_or_a_principal_that_cannot_be_is_refused(principals: dict[str, list[str]], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        rules("kolaj", principals)
