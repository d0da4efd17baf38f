import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from infra.logs import Scrubber, configure_logs
from infra.settings import read_settings

CARD = "5528790000000008"


class Lines(io.StringIO):
    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.getvalue().splitlines()[-1])
        return found


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    monkeypatch.setenv("DATABASE_URL", "postgresql://kolaj:hush%20hush@127.0.0.1/kolaj")
    monkeypatch.setenv("KOLAJ_INTEGRATIONS", '[{"id": "acme-main", "provider": "acme"}]')
    monkeypatch.setenv("ACME_MAIN_SECRET_KEY", "sesame-open")
    root = logging.getLogger()
    before = (root.handlers, root.level)
    stream = Lines()
    configure_logs("INFO", Scrubber.of(read_settings(kafka=False)), stream)
    yield stream
    root.handlers, root.level = before
    logging.captureWarnings(capture=False)


def test_a_record_is_one_line_with_its_facts(lines: Lines) -> None:
    logging.getLogger("kolaj.test").info("charge\nsent", extra={"command_id": "7", "elapsed_ms": 3})
    line = lines.last()
    assert (line["message"], line["level"], line["logger"]) == ("charge\nsent", "INFO", "kolaj.test")
    assert (line["command_id"], line["elapsed_ms"]) == ("7", 3)
    assert lines.getvalue().count("\n") == 1


@pytest.mark.parametrize("secret", ["sesame-open", "hush hush", "hush%20hush", CARD])
def test_no_secret_and_no_card_number_is_in_the_output_wherever_it_stood(lines: Lines, secret: str) -> None:
    log = logging.getLogger("kolaj.test")
    url = f"postgresql://kolaj:{secret}@127.0.0.1/kolaj"
    log.warning("address %s", url)
    log.warning("facts", extra={"deep": {"er": [url, {url: 1}]}, "bytes": url.encode(), "card": int(CARD)})
    try:
        int(url)
    except ValueError:
        log.exception("it failed")
    assert len(lines.getvalue().splitlines()) == 3
    assert secret not in lines.getvalue()
    assert CARD not in lines.getvalue()


def test_what_cannot_be_written_is_escaped(lines: Lines) -> None:
    ours, *_ = logging.getLogger().handlers  # pytest's own cannot carry such a text to the process that reports
    ours.handle(logging.makeLogRecord({"levelno": logging.INFO, "msg": "name \ud800", "it": object}))
    assert lines.last()["message"].startswith("name ")


def test_ids_are_not_taken_for_card_numbers(lines: Lines) -> None:
    identifier = "01940000-4111-7111-8111-000000000000"
    logging.getLogger("kolaj.test").info("done", extra={"command_id": identifier})
    assert lines.last()["command_id"] == identifier
