"""Orders about integrations, keyed by the integration's id or the rule's; their `command_id` is the record's `ce_id`.

No order holds a secret: credentials go by a way of their own and never through Kafka.
"""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, JsonValue

from schemas.base import IntegrationId, Order, Text, Token
from schemas.routing import RoutingRule, RuleId

Kind = Literal[
    "payment",
    "marketplace",
    "shipping",
    "accounting",
    "communication",
    "analytics",
    "ai",
    "storage",
    "auth",
]
Environment = Literal["sandbox", "production"]
SettingsObject = Annotated[dict[str, JsonValue], Field(max_length=100)]
"""A connector's settings, by the names of its own settings model."""
Metadata = Annotated[dict[Token, Text], Field(max_length=50)]
Revision = Annotated[int, Field(ge=1)]


class IntegrationOrder(Order):
    """What every order about an integration says."""

    keyed_by: ClassVar[str] = "integration_id"

    integration_id: IntegrationId
    by: Text
    """Who wants it; kept for ever."""

    @property
    def key(self) -> str:
        return self.integration_id


class AddIntegration(IntegrationOrder):
    """A new account at a provider. It is active at once; until its credentials are there its commands wait."""

    type: ClassVar[str] = "integrations.add.v1"

    kind: Kind
    provider: Token
    environment: Environment
    name: Text
    owner: Text | None = None
    settings: SettingsObject = Field(default_factory=dict)


class ChangeIntegration(IntegrationOrder):
    """Other settings, name or owner. What is absent stays as it is."""

    type: ClassVar[str] = "integrations.change.v1"

    settings: SettingsObject | None = None
    """Settings that get a new value; the others stay."""
    unset: Annotated[tuple[Token, ...], Field(max_length=100)] = ()
    """Settings that go back to the connector's own value."""
    name: Text | None = None
    owner: Text | None = None
    expected_revision: Revision | None = None
    """Refused unless the integration was last changed by this revision: nobody's change is written over unseen."""


class PauseIntegration(IntegrationOrder):
    """Send nothing more to it. Its commands wait, and what was sent is still asked about."""

    type: ClassVar[str] = "integrations.pause.v1"

    why: Text | None = None


class ResumeIntegration(IntegrationOrder):
    """Let a paused integration go on; what waited is taken up, in order."""

    type: ClassVar[str] = "integrations.resume.v1"


class DisableIntegration(IntegrationOrder):
    """Refuse new commands for it, those that wait included; what was sent is still asked about."""

    type: ClassVar[str] = "integrations.disable.v1"

    why: Text | None = None


class EnableIntegration(IntegrationOrder):
    """Take commands for a disabled integration again."""

    type: ClassVar[str] = "integrations.enable.v1"


class RemoveIntegration(IntegrationOrder):
    """Take a disabled integration away, once nothing is open at it."""

    type: ClassVar[str] = "integrations.remove.v1"


class MapUser(IntegrationOrder):
    """A user, seller or store uses this account, by the name it has at the provider."""

    type: ClassVar[str] = "integrations.map_user.v1"

    user_id: Token
    external_user_id: Token
    metadata: Metadata = Field(default_factory=dict)


class UnmapUser(IntegrationOrder):
    """That user uses the account no more."""

    type: ClassVar[str] = "integrations.unmap_user.v1"

    user_id: Token


class RuleOrder(Order):
    """What every order about a routing rule says."""

    keyed_by: ClassVar[str] = "rule_id"

    rule_id: RuleId
    by: Text

    @property
    def key(self) -> str:
        return self.rule_id


class PutRoutingRule(RuleOrder):
    """A new routing rule, or another one in its place."""

    type: ClassVar[str] = "integrations.put_routing_rule.v1"

    rule: RoutingRule
    expected_revision: Revision | None = None


class RemoveRoutingRule(RuleOrder):
    """That rule holds no more."""

    type: ClassVar[str] = "integrations.remove_routing_rule.v1"


StatusOrder = PauseIntegration | ResumeIntegration | DisableIntegration | EnableIntegration | RemoveIntegration
IntegrationCommand = (
    AddIntegration | ChangeIntegration | StatusOrder | MapUser | UnmapUser | PutRoutingRule | RemoveRoutingRule
)
INTEGRATION_COMMANDS: Final[tuple[type[IntegrationCommand], ...]] = (
    AddIntegration,
    ChangeIntegration,
    PauseIntegration,
    ResumeIntegration,
    DisableIntegration,
    EnableIntegration,
    RemoveIntegration,
    MapUser,
    UnmapUser,
    PutRoutingRule,
    RemoveRoutingRule,
)
