"""Which types lie in which topic: the list that the contract is generated from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel

from infra.compatibility import Kind
from schemas.access import ACCESS_EVENTS
from schemas.audit import AuditAnchored
from schemas.endpoints import ENDPOINT_EVENTS
from schemas.integrations import INTEGRATION_COMMANDS, INTEGRATION_EVENTS
from schemas.intents import SendIntended
from schemas.payments.vocabulary import COMMANDS, EVENTS
from schemas.privacy import PRIVACY_EVENTS
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WEBHOOK_EVENTS
from streams.topics import Topic, Topics

PREFIX: Final = "{prefix}"
"""What stands for the environment's prefix in the names of topics."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic of the contract: what lies in it, and who appends."""

    name: str
    topic: Topic
    models: tuple[type[BaseModel], ...]
    key: str
    about: str
    direction: Literal["receive", "send"] = "send"

    @property
    def kind(self) -> Kind:
        return "command" if self.direction == "receive" else "event"


def channels() -> tuple[Channel, ...]:
    topics = Topics(PREFIX)
    payment = "the payment_id or the resource_id, as text"
    return (
        Channel(
            "paymentCommands", topics.payment_commands, COMMANDS, payment,
            "Orders about payments, and about what stands beside them: cards, subscriptions, sub-merchants, links. "
            "Kept for seven days, since they hold personal data.", "receive",
        ),
        Channel(
            "paymentEvents", topics.payment_events, EVENTS, payment,
            "One result for each command, and later facts about payments. Kept for ever, never compacted.",
        ),
        Channel(
            "providerCalls", topics.provider_calls, (ProviderCalled,),
            "the payment_id, the resource_id or the integration's id",
            "Each exchange with a provider, scrubbed of secrets, card numbers and personal data.",
        ),
        Channel(
            "integrationCommands", topics.integration_commands, INTEGRATION_COMMANDS,
            "the integration_id; of an order about a routing rule the rule_id",
            "Orders about integrations, their users and routing rules. Kept for seven days.", "receive",
        ),
        Channel(
            "integrationEvents", topics.integration_events, INTEGRATION_EVENTS,
            "the integration's id; of a routing rule the rule's; of a lag alarm the consumer group",
            "One result for each order about integrations, with the state after it; health, breakers as they changed, "
            "use of rate limits, alarms of processes, what operators did by hand.",
        ),
        Channel(
            "webhookEvents", topics.webhook_events, WEBHOOK_EVENTS, "the integration's id, a slash and the event's id",
            "Providers' calls to the hub and what became of them; counts of those refused. Kept for 90 days.",
        ),
        Channel(
            "accessEvents", topics.access_events, (*ACCESS_EVENTS, *ENDPOINT_EVENTS),
            "the caller, or the endpoint's id; `nobody` for counts of strangers",
            "Who asked what over HTTP, who gave whom a key to it, whose endpoint was disabled. Kept for ever.",
        ),
        Channel(
            "privacyEvents", topics.privacy_events, PRIVACY_EVENTS, "the data subject's name",
            "Whose data was erased, by whom and why. Kept for ever; nobody is named in it.",
        ),
        Channel(
            "ledgerIntents", topics.intents, (SendIntended,), payment,
            "What is about to be sent to a provider; the ledger is rebuilt from here. For the hub itself.",
        ),
        Channel(
            "auditAnchors", topics.audit_anchors, (AuditAnchored,), "topic/partition",
            "Heads of the audit chains. For the hub itself and for auditors.",
        ),
    )  # fmt: skip


def type_name(model: type[BaseModel]) -> str:
    name: str = model.type  # type: ignore[attr-defined] # every record's model has one; their bases are two
    return name


def without_discriminators(node: Any) -> Any:
    """Without `discriminator`, which is OpenAPI's and means something else in AsyncAPI; the constants say the same."""
    match node:
        case dict():
            return {
                name: without_discriminators(child)
                for name, child in node.items()
                if not (name == "discriminator" and isinstance(child, Mapping) and "propertyName" in child)
            }
        case list():
            return [without_discriminators(child) for child in node]
        case _:
            return node
