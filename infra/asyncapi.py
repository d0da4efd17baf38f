"""The contract as one AsyncAPI 3.0 document, as the hub sees it: it receives commands and sends events."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from infra.channels import PREFIX, Channel, channels, type_name, without_discriminators
from schemas.envelope import REPUBLISHED
from streams import dead_letters
from streams.codec import MAX_VALUE_BYTES
from streams.topics import Topic, Topics

_INFO: Final = f"""\
Other services publish commands; the hub performs them at payment providers and publishes one result for each.

**Envelope.** CloudEvents 1.0 in Kafka's binary mode: attributes are record headers, the value holds the facts as JSON
in UTF-8, at most {MAX_VALUE_BYTES} bytes.

**Key and order.** The record's key is the `payment_id` of its body, or the `resource_id` of what is no payment (a card,
a subscription, a sub-merchant, a link, a question), as text. Commands of one key are performed in the order they were
appended; different keys run side by side.

**Partitioner.** murmur2, sign bit cleared, modulo the number of partitions: what Java's clients do by default. For
librdkafka and what is built on it set `partitioner=murmur2_random`. Another partitioner breaks the order of commands.
The number of partitions never changes.

**Identity.** `ce_id` of a command is its command id, a UUID chosen by the publisher; version 7 is advised. The same id
with the same body is the same command, however often it is published. The same id with another body, key, type or
source is refused (`command_id_conflict`) and never performed.

**Results.** Each command ends in exactly one result on the events topic, with the command's key. Its `ce_id` is
uuid5(command id, "result"). After a crash the same result may be appended again, then with the header `{REPUBLISHED}`:
readers drop an event whose (`ce_source`, `ce_id`) they have seen. Ids need to be remembered for as long as commands are
kept (seven days). Further events of a payment, such as late outcomes, have ids of their own and say what caused them.

**Integrations.** Orders about accounts at providers go to a topic of their own, keyed by the integration's id; orders
about routing rules by the rule's. Each ends in exactly one result on the integrations' events topic, under the same
rules. It carries the whole state after it, without secrets; the one with the highest `revision` is the present one.

**Growth.** A type's version is part of its name and its meaning never changes. Optional fields may join a type and
words may join an enumeration: readers ignore fields that they do not know and take an unknown reason for `other`.
Commands with unknown fields are not performed.

**Card numbers** never travel on Kafka. A record that holds one goes to the dead letters, masked.
"""

_VERDICTS: Final = {
    "accepted": "It was performed; the result's own type says what was done.",
    "refused": "It was certainly not performed; `reason` and `failure` say why. The command is over.",
    "pending": "The provider took it and has not decided. The command is over; further events will tell.",
    "unknown": "It was sent and nobody can say whether it was performed. A person has to look; do not send it again.",
}


def asyncapi() -> dict[str, Any]:
    """The whole document."""
    parts = channels()
    models = [model for channel in parts for model in channel.models]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Kolaj Hub", "version": "1.0.0", "description": _INFO},
        "defaultContentType": "application/json",
        "channels": {**{channel.name: _channel(channel) for channel in parts}, "deadLetters": _dead_letter_channel()},
        "operations": {
            f"{channel.direction}{channel.name[0].translate(_CAPITAL)}{channel.name[1:]}": {
                "action": channel.direction,
                "channel": {"$ref": f"#/channels/{channel.name}"},
                "summary": channel.about,
            }
            for channel in parts
        },
        "components": {
            "schemas": {**without_discriminators(schemas["$defs"]), "CloudEventHeaders": _cloud_event_headers()},
            "messages": {model.__name__: _message(model, channel) for channel in parts for model in channel.models},
        },
        "x-kolaj-partitioner": {"name": "murmur2", "librdkafka": "murmur2_random", "key": "UTF-8 text of the key"},
        "x-kolaj-deduplication": {
            "by": ["ce_source", "ce_id"],
            "remember-ms": Topics().payment_commands.retention_ms,
            "copies-have-header": REPUBLISHED,
        },
        "x-kolaj-verdicts": _VERDICTS,
    }


_CAPITAL: Final = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)}


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        **_address(channel.topic),
        "description": f"{channel.about} The key is {channel.key}.",
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in channel.models},
    }


def _address(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "parameters": {
            "prefix": {"default": Topics().prefix, "description": "Of the environment; sandbox and production differ."}
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(model: type[BaseModel], channel: Channel) -> dict[str, Any]:
    name = type_name(model)
    own = {"type": "object", "properties": {"ce_type": {"const": name}}, "required": ["ce_type"]}
    headers: list[dict[str, Any]] = [{"$ref": "#/components/schemas/CloudEventHeaders"}, own]
    if channel.name in {"paymentEvents", "integrationEvents"}:
        republished = {"const": "1", "description": "This is a further copy of an event that lies in the log already."}
        headers.append({"type": "object", "properties": {REPUBLISHED: republished}})
    return {
        "name": name,
        "title": name,
        "summary": (model.__doc__ or name).strip().split("\n", 1)[0],
        "contentType": "application/json",
        "headers": {"type": "object", "allOf": headers},
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": channel.key}, "bindingVersion": "0.5.0"},
        },
    }


def _cloud_event_headers() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "type": "object",
        "description": "CloudEvents 1.0, Kafka binding, binary mode, and W3C Trace Context.",
        "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string", "format": "uuid"},
            "ce_type": {**text, "maxLength": 100},
            "ce_source": {**text, "format": "uri-reference", "pattern": "^[!-~]+$"},
            "ce_subject": text,
            "ce_time": {"type": "string", "format": "date-time"},
            "content-type": {"const": "application/json"},
            "traceparent": {"type": "string"},
        },
    }


def _dead_letter_channel() -> dict[str, Any]:
    told = {
        "reason": "one word for programs", "field": "the offending field, header or key", "detail": "what to do",
        "topic": "where the record lay", "partition": "where the record lay", "offset": "where the record lay",
        "timestamp": "its time in milliseconds since 1970", "attempts": "how often it has failed",
        "masked": "present when a card number was masked", "cut": "its size in bytes when not all of it was kept",
        "integration": "where the command was going, when that was known",
    }  # fmt: skip
    properties = {
        f"{dead_letters.PREFIX}{name}": {"type": "string", "description": about} for name, about in told.items()
    }
    required = [f"{dead_letters.PREFIX}{name}" for name in told if name not in {"masked", "cut", "integration"}]
    return {
        **_address(Topics(PREFIX).dead_letters),
        "description": "Records that could not be read: their own bytes, key and headers, and the reason beside them.",
        "messages": {
            "DeadLetter": {
                "name": "DeadLetter",
                "summary": "The original record, whatever it holds; headers say what was wrong.",
                "contentType": "application/octet-stream",
                "headers": {"type": "object", "required": required, "properties": properties},
                "payload": {"description": "Any bytes, or none."},
            }
        },
    }
