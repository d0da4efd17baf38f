"""Structured logs: one JSON object a line on stderr, with no secret and no card number in it."""

import json
import logging
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from opentelemetry import trace
from pydantic import SecretStr

from infra.integration_settings import TO_UPPER
from infra.settings import Settings
from providers.registry import connectors
from schemas.card_numbers import is_number_of_card, mask_card_numbers
from schemas.envelope import rfc3339

HIDDEN: Final = "***"
_SHORTEST_SECRET: Final = 6
"""Shorter ones are not searched for: they would blot out words that only look like them."""
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; the others came with `extra`."""
_CHATTY: Final = ("aiokafka", "asyncio", "faust", "mode", "httpx", "httpcore", "aiohttp", "alembic", "urllib3")


class Scrubber:
    """Takes secrets and card numbers out of texts.

    Attributes:
        also: further ways to take out secrets that became known while the process ran.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: a secret that begins with another one must not leave its end behind.
        self._secrets = sorted({text for text in secrets if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self.also: list[Callable[[str], str]] = []

    @classmethod
    def of(cls, settings: Settings) -> "Scrubber":
        own = (
            settings.database_url,
            settings.vault_url,
            settings.redis_url,
            settings.kafka_password,
            settings.kafka_key_password,
            settings.encryption_key,
        )
        # An account that is added later has its secrets in variables that end like its connector's names for them.
        names = {name for connector in connectors().values() for name in connector.credentials}
        ends = tuple("_" + name.translate(TO_UPPER) for name in names)
        later = [value for name, value in settings.variables.items() if ends and name.endswith(ends)]
        values = [*settings.secrets.values(), *later, *own, *settings.retired_keys, settings.vault_token]
        secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        passwords = (*settings.database_passwords, settings.redis_password)
        return cls([*secrets, *(password for password in passwords if password)])

    def scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for hide in self.also:
            text = hide(text)
        return mask_card_numbers(text)

    def scrub_value(self, value: Any) -> Any:
        """The value as JSON can hold it, scrubbed at any depth."""
        match value:
            case None | bool():
                return value
            case int() | float() if is_number_of_card(value):
                return mask_card_numbers(str(int(value)))
            case int():
                return value
            case float() if math.isfinite(value):
                return value
            case dict():
                return {self.scrub(str(name)): self.scrub_value(child) for name, child in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.scrub_value(child) for child in value]
            case bytes():
                return f"{len(value)} bytes"
            case datetime():
                return rfc3339(value) if value.tzinfo else value.isoformat()
            case _:
                return self.scrub(str(value))


class JsonLines(logging.Formatter):
    """One line for each record: time, level, logger, message, the facts of `extra`, trace, error."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self.scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _OWN and not name.startswith("_")}
        line: dict[str, Any] = {
            "time": rfc3339(datetime.fromtimestamp(record.created, tz=UTC)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **facts,
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = f"{span.trace_id:032x}"
            line["span_id"] = f"{span.span_id:016x}"
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))
        text = json.dumps(self.scrubber.scrub_value(line), ensure_ascii=False, default=str)
        # A lone surrogate in a name from outside must not end the process that logs it.
        return text.encode("utf-8", "backslashreplace").decode()


@contextmanager
def hiding_also(hide: Callable[[str], str]) -> Iterator[None]:
    """Let `hide` take secrets out of every log line for the length of the block."""
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    scrubbers = [formatter.scrubber for formatter in formatters if isinstance(formatter, JsonLines)]
    for scrubber in scrubbers:
        scrubber.also.append(hide)
    try:
        yield
    finally:
        for scrubber in scrubbers:
            scrubber.also.remove(hide)


def configure_logs(level: str, scrubber: Scrubber, stream: TextIO | None = None) -> logging.Handler:
    """Send all logs of this process to `stream` (stderr) as JSON lines; other libraries' only from warnings on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(scrubber))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.captureWarnings(capture=True)
    return handler
