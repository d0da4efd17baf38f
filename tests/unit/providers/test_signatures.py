"""Calls to us: the exact bytes, every live secret, both sides of the clock. Pitfalls F1, F3, F5, F7, G1."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.notices import Refused
from providers.reading import parse_json
from providers.signatures import (
    BodySignature,
    LiveSecret,
    StandardWebhooks,
    TimedSignature,
    secrets_named,
)
from schemas.errors import SettingsError
from schemas.webhooks import Verified

Scheme = BodySignature | TimedSignature | StandardWebhooks
Headers = dict[str, str]

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "webhooks.json").read_text())
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY, OTHER_KEY = (base64.b64encode(word * 8).decode() for word in (b"kola", b"hub!"))
ODD_BODY = b'{"total":  10.10, "order": "o-1",\n "lines": [1.0, 1e2],"a":null}\n'


def _mac(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()


def _plain(body: bytes, secret: str, at: datetime) -> Headers:
    del at
    return {"X-Signature": "sha256=" + _mac(secret.encode(), body).hex()}


def _plain_base64(body: bytes, secret: str, at: datetime) -> Headers:
    del at
    return {"X-Shop-Hmac": base64.b64encode(_mac(secret.encode(), body)).decode()}


def _timed(body: bytes, secret: str, at: datetime) -> Headers:
    moment = str(int(at.timestamp()))
    return {"Stripe-Signature": f"t={moment},v1={_mac(secret.encode(), f'{moment}.'.encode() + body).hex()}"}


def _standard(body: bytes, secret: str, at: datetime) -> Headers:
    moment = str(int(at.timestamp()))
    mac = _mac(base64.b64decode(secret), f"msg_1.{moment}.".encode() + body)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": moment, "Webhook-Signature": signature}


SCHEMES: dict[str, tuple[Scheme, Callable[[bytes, str, datetime], Headers]]] = {
    "plain": (BodySignature("x-signature", prefix="sha256="), _plain),
    "plain_base64": (BodySignature("x-shop-hmac", encoding="base64"), _plain_base64),
    "timed": (TimedSignature(), _timed),
    "standard": (StandardWebhooks(), _standard),
}
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?([eE][+-]?[0-9])?", fullmatch=True)
every_scheme = pytest.mark.parametrize("name", SCHEMES)
every_timed_scheme = pytest.mark.parametrize("name", ["timed", "standard"])


def live(*values: str, until: datetime | None = None) -> list[LiveSecret]:
    return [LiveSecret(SecretStr(value), until) for value in values]


def word(verdict: Verified | Refused) -> str:
    return verdict.why if isinstance(verdict, Refused) else "verified"


def judged(name: str, *, age_s: float = 0, secrets: list[LiveSecret] | None = None, **changed: Any) -> str:
    """The word on a call that was signed at noon and arrives `age_s` later; `changed` alters what arrives."""
    scheme, sign = SCHEMES[name]
    body = changed.get("signed_body", ODD_BODY)
    headers = sign(body, KEY, NOON) | changed.get("headers", {})
    if "tolerance_s" in changed and not isinstance(scheme, BodySignature):
        scheme = replace(scheme, tolerance_s=changed["tolerance_s"])
    secrets = live(KEY) if secrets is None else secrets
    return word(scheme.verify(headers, changed.get("body", body), secrets, NOON + timedelta(seconds=age_s)))


@pytest.mark.parametrize("case", VECTORS["stripe"]["cases"], ids=lambda case: case["name"])
def test_stripes_vectors_are_judged_as_its_official_client_or_more_strictly(case: dict[str, Any]) -> None:
    body = case.get("payload") or VECTORS["stripe"]["payloads"][case["payload_ref"]]
    headers = {} if case["header"] is None else {"Stripe-Signature": case["header"]}
    arrived_at = datetime.fromtimestamp(case["now"], UTC)
    try:
        secrets = live(case["secret"])
    except ValueError:
        secrets = []
    verdict = TimedSignature(tolerance_s=case["tolerance_s"]).verify(headers, body.encode(), secrets, arrived_at)
    assert isinstance(verdict, Verified) == (case["hub_policy"] == "accept")


@pytest.mark.parametrize("case", VECTORS["standard_webhooks"]["cases"], ids=lambda case: case["name"])
def test_the_vectors_of_standard_webhooks_are_judged_as_its_library_does(case: dict[str, Any]) -> None:
    headers = {f"webhook-{name}": case[name] for name in ("id", "timestamp", "signature") if case[name] is not None}
    arrived_at = datetime.fromtimestamp(case["now"], UTC)
    verdict = StandardWebhooks().verify(headers, case["body"].encode(), live(case["secret"]), arrived_at)
    assert word(verdict) == case["expect"]


@every_scheme
def test_f5_a_body_of_odd_order_and_blanks_with_a_newline_at_its_end_is_theirs(name: str) -> None:
    assert judged(name) == "verified"


@every_scheme
@given(data=st.data())
def test_f5_one_changed_byte_anywhere_is_refused(name: str, data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=1, max_size=200) | st.just(ODD_BODY))
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert judged(name, signed_body=body) == "verified"
    assert judged(name, signed_body=body, body=bytes(changed)) == "wrong"


@every_scheme
@pytest.mark.parametrize(
    "rebuilt",
    [
        ODD_BODY.rstrip(),
        ODD_BODY + b"\n",
        ODD_BODY.replace(b":  ", b": "),
        ODD_BODY.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + ODD_BODY,
        json.dumps(json.loads(ODD_BODY)).encode(),
        b"",
    ],
)
def test_f5_a_body_that_was_put_together_again_is_refused(name: str, rebuilt: bytes) -> None:
    assert judged(name, body=rebuilt) == "wrong"


@every_scheme
@given(numbers=st.lists(NUMBERS, max_size=5))
def test_f7_numbers_verify_as_they_are_written(name: str, numbers: list[str]) -> None:
    assert judged(name, signed_body=b"[" + ", ".join(numbers).encode() + b"]") == "verified"


def test_f7_what_was_verified_is_read_with_its_decimals() -> None:
    fields = parse_json(ODD_BODY)
    assert [str(fields["total"]), *map(str, fields["lines"])] == ["10.10", "1.0", "1E+2"]
    assert all(isinstance(number, Decimal) for number in (fields["total"], *fields["lines"]))


@every_timed_scheme
@pytest.mark.parametrize(
    ("clock_s", "age_s", "expected"),
    [
        (-240, 480, "too_old"),
        (-240, 30, "verified"),
        (240, 480, "too_old"),
        (0, 480, "too_old"),
        (0, -480, "from_the_future"),
        (-480, 0, "from_the_future"),
    ],
)
def test_f1_an_age_is_judged_on_both_sides_of_the_clock(name: str, clock_s: float, age_s: float, expected: str) -> None:
    """By a clock that is `clock_s` off. A slow one sees an age as less, and the tolerance must be below that."""
    assert judged(name, age_s=age_s + clock_s, tolerance_s=225) == expected


@every_timed_scheme
@given(
    age_s=st.integers(-1_000, 1_000) | st.integers(-(10**9), 10**9) | st.sampled_from([-300, 300, -301, 301]),
    tolerance_s=st.integers(0, 900),
)
def test_f1_the_difference_alone_decides_whatever_its_sign(name: str, age_s: int, tolerance_s: int) -> None:
    expected = "verified" if abs(age_s) <= tolerance_s else "too_old" if age_s > 0 else "from_the_future"
    assert judged(name, age_s=age_s, tolerance_s=tolerance_s) == expected


@every_timed_scheme
def test_only_what_is_rightly_signed_is_called_late(name: str) -> None:
    assert judged(name, age_s=9_999, body=b"forged") == "wrong"


@every_scheme
def test_f3_a_verdict_is_stored_and_trusted_ten_minutes_later(name: str) -> None:
    """What waits in a queue takes the verdict by its value; checked again it would be too old, or its secret ended."""
    scheme, sign = SCHEMES[name]
    secrets = live(OTHER_KEY) + live(KEY, until=NOON + timedelta(minutes=5))
    headers = sign(ODD_BODY, KEY, NOON - timedelta(seconds=20))
    verdict = scheme.verify(headers, ODD_BODY, secrets, NOON)
    assert isinstance(verdict, Verified)
    stored = verdict.model_dump_json()
    assert word(scheme.verify(headers, ODD_BODY, secrets, NOON + timedelta(minutes=10))) == "wrong"
    handled = Verified.model_validate_json(stored)
    assert handled == verdict
    assert (handled.arrived_at, handled.secret_index) == (NOON, 1)


def test_f3_a_verdict_carries_what_was_signed_beside_the_body() -> None:
    verdict = StandardWebhooks().verify(_standard(ODD_BODY, KEY, NOON), ODD_BODY, live(KEY), NOON)
    assert isinstance(verdict, Verified)
    assert (verdict.signed_at, verdict.signed_id) == (NOON, "msg_1")


@every_scheme
def test_g1_the_old_secret_holds_until_its_overlap_ends_and_the_new_one_from_the_start(name: str) -> None:
    """Rotated at noon with an hour's overlap: the old one passes at +30 min and fails at +61 min."""
    scheme, sign = SCHEMES[name]
    secrets = live(OTHER_KEY) + live(KEY, until=NOON + timedelta(hours=1))

    def passes(key: str, minutes: float) -> bool:
        at = NOON + timedelta(minutes=minutes)
        return isinstance(scheme.verify(sign(ODD_BODY, key, at), ODD_BODY, secrets, at), Verified)

    assert [passes(KEY, minutes) for minutes in (0, 30, 59.99, 60, 61)] == [True, True, True, False, False]
    assert all(passes(OTHER_KEY, minutes) for minutes in (0, 30, 61))


@every_scheme
@given(data=st.data())
def test_g1_a_call_passes_exactly_while_its_secret_is_live(name: str, data: st.DataObject) -> None:
    scheme, sign = SCHEMES[name]
    keys = [base64.b64encode(bytes([number]) * 32).decode() for number in range(5)]
    ends = data.draw(st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=5))
    secrets = [
        LiveSecret(SecretStr(key), None if end is None else NOON + timedelta(hours=end))
        for key, end in zip(keys, ends, strict=False)
    ]
    used = data.draw(st.integers(0, len(keys) - 1))
    verdict = scheme.verify(sign(ODD_BODY, keys[used], NOON), ODD_BODY, secrets, NOON)
    is_live = used < len(ends) and (ends[used] is None or NOON + timedelta(hours=ends[used] or 0) > NOON)
    assert word(verdict) == ("verified" if is_live else "wrong")
    assert not isinstance(verdict, Verified) or verdict.secret_index == used


@every_scheme
def test_without_a_live_secret_every_call_is_refused(name: str) -> None:
    assert judged(name, secrets=[]) == "wrong"
    assert judged(name, secrets=live(KEY, until=NOON)) == "wrong"


def test_an_empty_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="anybody could sign"):
        LiveSecret(SecretStr(""))


@every_scheme
@pytest.mark.parametrize("fold", [str.upper, str.lower])
def test_a_header_is_found_in_any_case(name: str, fold: Callable[[str], str]) -> None:
    scheme, sign = SCHEMES[name]
    headers = {fold(key): f" {value}\t" for key, value in sign(ODD_BODY, KEY, NOON).items()}
    assert word(scheme.verify(headers, ODD_BODY, live(KEY), NOON)) == "verified"


@every_scheme
def test_a_header_that_is_absent_empty_or_there_twice_is_missing(name: str) -> None:
    scheme, sign = SCHEMES[name]
    headers = sign(ODD_BODY, KEY, NOON)
    for spoiled in (key for key in headers):
        absent = {key: value for key, value in headers.items() if key != spoiled}
        for given_headers in (absent, headers | {spoiled: " "}, headers | {spoiled.lower(): headers[spoiled]}):
            assert word(scheme.verify(given_headers, ODD_BODY, live(KEY), NOON)) == "missing"


@every_scheme
@given(value=st.text(max_size=80), hard=st.sampled_from(["\ud800", "v1,\udfff", "t=1,v1=\ud800", "t=٣,v1=a", "é"]))
def test_no_header_is_so_odd_that_a_verifier_fails(name: str, value: str, hard: str) -> None:
    scheme, sign = SCHEMES[name]
    headers = sign(ODD_BODY, KEY, NOON)
    for spoiled in headers:
        for odd in (value, hard):
            verdict = scheme.verify(headers | {spoiled: odd}, ODD_BODY, live(KEY), NOON)
            assert isinstance(verdict, Refused)


@pytest.mark.parametrize("signed_id", ["a.1", "a b", "é", "x" * 201])
def test_an_id_that_could_be_read_in_two_ways_is_malformed(signed_id: str) -> None:
    assert judged("standard", headers={"Webhook-Id": signed_id}) == "malformed"


def test_some_send_standard_webhooks_under_another_prefix() -> None:
    headers = {name.replace("Webhook-", "svix-"): value for name, value in _standard(ODD_BODY, KEY, NOON).items()}
    assert word(StandardWebhooks(prefix="svix-").verify(headers, ODD_BODY, live(KEY), NOON)) == "verified"


@pytest.mark.parametrize("secret", ["whsec_", "not base64!", "ü"])
def test_a_secret_that_cannot_be_one_says_what_to_do(secret: str) -> None:
    with pytest.raises(SettingsError, match="set it again"):
        judged("standard", secrets=live(secret))


def test_an_accounts_secrets_are_its_current_one_and_those_that_are_being_replaced() -> None:
    current, older, without = {"secret_key": SecretStr("new")}, {"secret_key": SecretStr("old")}, {"x": SecretStr("y")}
    found = secrets_named((current, without, older), "secret_key")
    assert [one.value.get_secret_value() for one in found] == ["new", "old"]


def test_neither_verdict_nor_secret_shows_a_value() -> None:
    shown = repr((live("hidden-value"), Refused("wrong")))
    assert "hidden-value" not in shown
