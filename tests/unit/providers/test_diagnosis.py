"""What an account does not work for, in words."""

import ssl
from datetime import UTC, datetime
from socket import gaierror

import pytest
from pydantic import SecretStr

from providers.connector import Answer, Credentials
from providers.diagnosis import Cause, Trouble, clock_off_s, trouble_of_status, way_fault, with_clock
from providers.payments.iyzico.health import read_health

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SANDBOX: Credentials = {"api_key": SecretStr("sandbox-k1"), "secret_key": SecretStr("sandbox-s1")}
LIVE: Credentials = {"api_key": SecretStr("k1"), "secret_key": SecretStr("s1")}


def failing(code: str, status: int = 200) -> Answer:
    return Answer(status, {}, b"", {"status": "failure", "errorCode": code})


@pytest.mark.parametrize(
    ("answer", "environment", "credentials", "cause", "word"),
    [
        (failing("1001"), "sandbox", SANDBOX, Cause.WRONG_KEY, "API key"),
        (failing("1001"), "production", SANDBOX, Cause.WRONG_ENVIRONMENT, "of iyzico's sandbox"),
        (failing("1001"), "sandbox", LIVE, Cause.WRONG_ENVIRONMENT, "of iyzico's production"),
        (failing("1000"), "sandbox", SANDBOX, Cause.WRONG_KEY, "secret key"),
        (failing("1000"), "sandbox", {**SANDBOX, "secret_key": SecretStr("s1")}, Cause.WRONG_ENVIRONMENT, "secret_key"),
        (failing("9000"), "production", LIVE, Cause.SUSPENDED, "suspended"),
        (failing("50000"), "production", LIVE, Cause.THROTTLED, "too many"),
        (failing("4711"), "production", LIVE, Cause.OTHER, "4711"),
        (Answer(403, {}, b"<html>", None), "production", LIVE, Cause.IP_NOT_ALLOWED, "address"),
        (Answer(502, {}, b"<html>", None), "production", LIVE, Cause.PROVIDER_DOWN, "502"),
    ],
)
def test_iyzicos_answer_says_what_is_wrong_without_showing_a_key(
    answer: Answer, environment: str, credentials: Credentials, cause: Cause, word: str
) -> None:
    trouble = read_health(answer, environment, credentials)
    assert trouble is not None
    assert (trouble.cause, word in trouble.sentence) == (cause, True)
    assert not any(secret.get_secret_value() in trouble.sentence.split() for secret in credentials.values())


def test_keys_that_are_taken_are_well() -> None:
    assert read_health(Answer(200, {}, b"", {"status": "success"}), "sandbox", SANDBOX) is None


def test_a_refused_key_under_a_wrong_clock_is_the_clocks_fault_first() -> None:
    refused = trouble_of_status(401)
    assert refused is not None
    headers = {"date": "Wed, 25 Nov 2026 11:55:00 GMT"}
    told = with_clock(refused, headers, NOON)
    assert (told.cause, "300 s ahead of" in told.sentence) == (Cause.CLOCK, True)
    behind = with_clock(refused, {"date": "Wed, 25 Nov 2026 12:05:00 GMT"}, NOON)
    assert "300 s behind" in behind.sentence
    assert with_clock(refused, {"date": "Wed, 25 Nov 2026 11:59:30 GMT"}, NOON) == refused
    other = with_clock(Trouble(Cause.SUSPENDED, "suspended"), headers, NOON)
    assert (other.cause, "besides" in other.sentence) == (Cause.SUSPENDED, True)


@pytest.mark.parametrize("text", ["", "yesterday", "Wed, 99 Nov 2026 11:55:00 GMT"])
def test_a_date_that_cannot_be_read_says_nothing(text: str) -> None:
    assert clock_off_s({"date": text}, NOON) is None


@pytest.mark.parametrize(
    ("fault", "cause", "word"),
    [
        (gaierror(-2, "unknown"), Cause.UNREACHABLE, "name is not known"),
        (ConnectionRefusedError(), Cause.UNREACHABLE, "nobody listens"),
        (TimeoutError(), Cause.UNREACHABLE, "in time"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] x"), Cause.TLS, "TLS"),
        (OSError("network down"), Cause.UNREACHABLE, "no connection"),
    ],
)
def test_the_way_to_the_provider_says_why_it_is_closed(fault: OSError, cause: Cause, word: str) -> None:
    if isinstance(fault, ssl.SSLError):
        fault.reason = "WRONG_VERSION_NUMBER"
    outer = RuntimeError("a client's own")
    outer.__cause__ = fault
    trouble = way_fault(outer)
    assert (trouble.cause, word in trouble.sentence) == (cause, True)
