"""Whether settings are ones that a connector takes, and hold nothing secret. Pure; said again by the command line.

A secret in a command lies in Kafka for a week, in the registry and in its events for ever: what looks like one is
refused whatever the connector's model says.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from providers.configured import Unconfigurable, configured
from providers.connection_settings import ConnectionSettings
from providers.connector import Connector, LiveCredentials
from schemas.card_numbers import holds_card_number

PRODUCTION: Final = "production"
_SECRET: Final = re.compile(
    r"secret|passw|passphrase|credential|privatekey|apikey|accesskey|signingkey|token|authorization|bearer|cvc|cvv"
)
_SPELLING: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "_- .")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with settings: a word for programs, the field, and what to do. No value is repeated."""

    reason: str
    field: str
    detail: str


def settings_fault(connector: Connector, environment: str, settings: Mapping[str, JsonValue]) -> Fault | None:
    """Why these settings cannot be; `None` when they can."""
    for path, name, value in _fields(settings, ("settings",)):
        if _spelt(name) in {_spelt(own) for own in connector.credentials} or _SECRET.search(_spelt(name)):
            detail = "credentials never go into settings; give them with `kolaj credentials set`"
            return Fault("secret_in_settings", path, detail)
        if holds_card_number(name) or (isinstance(value, str | int) and holds_card_number(str(value))):
            return Fault("card_number", path, "a card number stands here; it has no place in settings")
    try:
        read = read_settings_of(connector, settings, environment)
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(("settings", *map(str, first["loc"])))
        known = ", ".join(connector.settings.model_fields)
        why = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            why = f"{connector.name} has no such setting; it has {known}"
        return Fault("invalid_settings", where, why)
    except Unconfigurable as bad:
        return Fault("invalid_settings", f"settings.{bad.field}", str(bad))
    own = connector.base_urls.get(PRODUCTION)
    if environment == PRODUCTION and own is not None and read.base_url not in {None, own}:
        # Who may order this is not trusted with the account's secrets, which travel with each request.
        detail = f"in production an account is called at its provider's own address, {own}; leave it out"
        return Fault("invalid_settings", "settings.base_url", detail)
    return None


def read_settings_of(connector: Connector, settings: Mapping[str, JsonValue], environment: str) -> ConnectionSettings:
    """The settings as the connector's own model.

    Raises:
        pydantic.ValidationError: they do not fit it.
        Unconfigurable: they go against what the provider needs in that environment.
    """
    # Through JSON, as they came: strictly read, "5" is no number, yet a list may become a tuple.
    read = connector.settings.model_validate_json(json.dumps(settings), strict=True)
    configured("to-be-checked", connector, environment, read, LiveCredentials({}))
    return read


def merged(
    known: Mapping[str, JsonValue], changed: Mapping[str, JsonValue] | None, unset: tuple[str, ...]
) -> dict[str, JsonValue]:
    """Settings after a change: new values in their place, and `unset` ones gone."""
    return {name: value for name, value in {**known, **(changed or {})}.items() if name not in unset}


def _fields(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
    """Every named value at any depth, with its dotted path."""
    match node:
        case Mapping():
            for name, value in node.items():
                here = (*path, str(name))
                yield ".".join(here), str(name), value
                yield from _fields(value, here)
        case list() | tuple():
            for index, value in enumerate(node):
                here = (*path, str(index))
                yield ".".join(here), "", value
                yield from _fields(value, here)
        case _:
            return


def _spelt(name: str) -> str:
    """`apiKey`, `API-KEY` and `api_key` are one name, whatever the locale."""
    return name.translate(_SPELLING)
