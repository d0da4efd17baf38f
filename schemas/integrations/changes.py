"""Results of orders about integrations: each carries the whole state after it, without secrets.

`revision` counts the changes of the whole registry. The state with the highest revision is the present one, in whatever
order states are read.
"""

from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Frozen, IntegrationId, Text, Token
from schemas.envelope import UtcTime
from schemas.integrations.commands import Environment, Kind, Metadata, Revision, SettingsObject
from schemas.routing import RoutingRule, RuleId

Status = Literal["active", "paused", "disabled", "removed"]


class IntegrationState(Frozen):
    """One account at one provider as it is declared.

    Attributes:
        version: of the provider's interface, in the provider's words.
        revision: of the registry when this was last changed.
    """

    integration_id: IntegrationId
    kind: Kind
    provider: Token
    version: Token
    environment: Environment
    status: Status
    name: Text
    owner: Text | None = None
    settings: SettingsObject
    revision: Revision
    created_at: UtcTime
    changed_at: UtcTime


class UserMapping(Frozen):
    """Which user, seller or store uses which account, and its name at the provider."""

    user_id: Token
    integration_id: IntegrationId
    external_user_id: Token
    metadata: Metadata = Field(default_factory=dict)
    revision: Revision
    created_at: UtcTime
    changed_at: UtcTime


class RuleState(Frozen):
    """A routing rule as it stands."""

    rule: RoutingRule
    revision: Revision
    created_at: UtcTime
    changed_at: UtcTime


class RegistryResult(Fact):
    """What every result says: the command that it is of, who wanted it, and when it was decided."""

    command_id: UUID
    by: Text
    decided_at: UtcTime


class IntegrationChange(RegistryResult):
    """An integration as it is from now on."""

    integration: IntegrationState


class IntegrationAdded(IntegrationChange):
    """A new account at a provider."""

    type: ClassVar[str] = "integrations.added.v1"


class IntegrationChanged(IntegrationChange):
    """Other settings, name or owner."""

    type: ClassVar[str] = "integrations.changed.v1"


class IntegrationPaused(IntegrationChange):
    """From here on nothing is sent to it, also by calls that were under way; its commands wait."""

    type: ClassVar[str] = "integrations.paused.v1"

    why: Text | None = None


class IntegrationResumed(IntegrationChange):
    """It goes on."""

    type: ClassVar[str] = "integrations.resumed.v1"


class IntegrationDisabled(IntegrationChange):
    """From here on nothing is sent to it, and its commands are refused; what was sent is still asked about."""

    type: ClassVar[str] = "integrations.disabled.v1"

    why: Text | None = None


class IntegrationEnabled(IntegrationChange):
    """It takes commands again."""

    type: ClassVar[str] = "integrations.enabled.v1"


class IntegrationRemoved(IntegrationChange):
    """It is no more; nothing was open at it."""

    type: ClassVar[str] = "integrations.removed.v1"


class UserMapped(RegistryResult):
    """A user, seller or store uses an account."""

    type: ClassVar[str] = "integrations.user_mapped.v1"

    mapping: UserMapping


class UserUnmapped(RegistryResult):
    """A user uses an account no more."""

    type: ClassVar[str] = "integrations.user_unmapped.v1"

    integration_id: IntegrationId
    user_id: Token
    revision: Revision


class RoutingRulePut(RegistryResult):
    """A routing rule as it is from now on."""

    type: ClassVar[str] = "integrations.routing_rule_put.v1"

    state: RuleState


class RoutingRuleRemoved(RegistryResult):
    """A routing rule holds no more."""

    type: ClassVar[str] = "integrations.routing_rule_removed.v1"

    rule_id: RuleId
    revision: Revision


class IntegrationCommandRefused(RegistryResult):
    """Nothing was changed.

    Attributes:
        reason: one word for programs, such as `unknown_integration`, `exists`, `revision_differs`, `invalid_settings`.
        field: which field is meant; empty for the whole command.
        detail: what to do; it repeats no value.
    """

    type: ClassVar[str] = "integrations.command_refused.v1"

    command_type: str
    integration_id: IntegrationId | None = None
    rule_id: RuleId | None = None
    reason: str
    field: str
    detail: str


class IntegrationCommandRejected(Fact):
    """A record on the command topic could not be taken as a command; it lies in the dead letters.

    Published only where the record's own id could be read. Its `ce_id` is made from the record's coordinates, so that
    it can never pass for that command's result.
    """

    type: ClassVar[str] = "integrations.command_rejected.v1"

    command_id: UUID
    reason: str
    field: str
    detail: str
    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    observed_at: UtcTime


StateChange = (
    IntegrationAdded
    | IntegrationChanged
    | IntegrationPaused
    | IntegrationResumed
    | IntegrationDisabled
    | IntegrationEnabled
    | IntegrationRemoved
)
RegistryChange = StateChange | UserMapped | UserUnmapped | RoutingRulePut | RoutingRuleRemoved
"""What changed the registry."""
IntegrationResult = RegistryChange | IntegrationCommandRefused
"""One for each command."""
INTEGRATION_RESULTS: Final[tuple[type[IntegrationResult], ...]] = (
    IntegrationAdded,
    IntegrationChanged,
    IntegrationPaused,
    IntegrationResumed,
    IntegrationDisabled,
    IntegrationEnabled,
    IntegrationRemoved,
    UserMapped,
    UserUnmapped,
    RoutingRulePut,
    RoutingRuleRemoved,
    IntegrationCommandRefused,
)
