"""Every provider's calls to us: read as expected, refused once a signed byte is changed, and no bytes raise."""

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.notices import Call, Notice, Refused
from providers.registry import connectors
from schemas.money import Money
from schemas.webhooks import Verified
from tests.conformance.calls import SampleCall, changed, header_bytes_changed, sample_calls

CALLS = sample_calls()
TIMED = [sample for sample in CALLS if sample.tolerance_s is not None]
UNTIMED = [sample for sample in CALLS if sample.tolerance_s is None]
WITH_HEADERS = [sample for sample in CALLS if sample.call.headers]
flips = st.integers(1, 255)


def _named(sample: SampleCall) -> str:
    return f"{sample.connector.name}/{sample.name}"


every_call = pytest.mark.parametrize("sample", CALLS, ids=_named)


def test_every_kind_of_call_has_a_sample() -> None:
    for connector in connectors().values():
        kinds = {sample.kind for sample in CALLS if sample.connector is connector}
        assert kinds == set(() if connector.webhooks is None else connector.webhooks.kinds)


@every_call
def test_a_call_is_read_as_expected(sample: SampleCall) -> None:
    notice = sample.notice()
    assert {name: getattr(notice, name) for name in sample.expected} == sample.expected
    assert (sample.webhooks.taken.status, sample.webhooks.taken.body) == sample.taken
    assert notice.verified.arrived_at == sample.call.arrived_at
    assert len(sample.origin) >= len("made up")


@every_call
@given(data=st.data())
def test_one_changed_byte_of_what_is_signed_is_refused(sample: SampleCall, data: st.DataObject) -> None:
    spoiled = changed(sample.call.body, data.draw(st.sampled_from(sample.places())), data.draw(flips))
    # A form may spell one letter in two ways, such as %5b and %5B; what is signed is the letter.
    assume(b"%" not in sample.call.body or unquote_to_bytes(spoiled) != unquote_to_bytes(sample.call.body))
    assert isinstance(sample.read(body=spoiled), Refused)


@pytest.mark.parametrize("sample", WITH_HEADERS, ids=_named)
@given(data=st.data())
def test_one_changed_byte_of_the_signature_is_refused(sample: SampleCall, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(sample.call.headers)))
    value = sample.call.headers[name]
    place = data.draw(st.integers(0, len(value) - 1))
    headers = header_bytes_changed(sample.call.headers, name, place, data.draw(flips))
    assert isinstance(sample.read(headers=headers), Refused)


@every_call
def test_another_accounts_secret_is_refused(sample: SampleCall) -> None:
    assert sample.read(credentials=(sample.other_secrets(),)) == Refused("wrong")


@every_call
def test_without_any_secret_nothing_is_taken(sample: SampleCall) -> None:
    assert isinstance(sample.read(credentials=()), Refused)
    assert isinstance(sample.read(credentials=({},)), Refused)


@every_call
def test_a_retiring_secret_is_accepted_and_named(sample: SampleCall) -> None:
    rotated = (sample.other_secrets(), *sample.call.credentials)
    assert sample.notice(credentials=rotated).verified.secret_index == 1


@pytest.mark.parametrize("sample", TIMED, ids=_named)
@pytest.mark.parametrize(("side", "why"), [(1, "too_old"), (-1, "from_the_future")])
def test_a_moment_counts_within_its_tolerance_on_both_sides(sample: SampleCall, side: int, why: Any) -> None:
    most = sample.tolerance_s or 0
    assert isinstance(sample.read(arrived_at=sample.arriving(side * most)), Notice)
    assert sample.read(arrived_at=sample.arriving(side * (most + 1))) == Refused(why)


@every_call
def test_only_a_document_of_the_providers_own_is_asked_for_and_without_it_nothing_is_taken(sample: SampleCall) -> None:
    needs = sample.webhooks.needs
    if needs is None:
        assert sample.call.fetched is None
        return
    address = needs(sample.call)
    assert address is not None
    assert address.startswith("https://")
    assert sample.call.fetched is not None
    assert sample.call.fetched.address == address
    assert sample.read(fetched=None) == Refused("missing")
    assert sample.read(fetched=replace(sample.call.fetched, address=address + "0")) == Refused("missing")
    assert needs(replace(sample.call, headers={})) is None


def test_a_call_brings_no_amount_along() -> None:
    """I3: an echo of our own refund cannot be booked as a second one; the payment is asked for instead."""
    for sample in CALLS:
        notice = sample.notice()
        told = {one.name: getattr(notice, one.name) for one in fields(notice)}
        assert [name for name, value in told.items() if isinstance(value, Money | Decimal | int | float)] == []
        assert notice.said in {None, "authorized", "captured", "pending", "failed", "cancelled"}


@every_call
def test_a_repeat_carries_the_same_event(sample: SampleCall) -> None:
    first, repeat = sample.notice(), sample.notice(arrived_at=sample.arriving(60))
    assert (first.event_id, first.event_type, first.said) == (repeat.event_id, repeat.event_type, repeat.said)


@pytest.mark.parametrize("sample", UNTIMED, ids=_named)
def test_without_a_moment_a_repeat_is_known_by_its_event_alone_however_late(sample: SampleCall) -> None:
    assert sample.notice(arrived_at=sample.arriving(86_400 * 365)).event_id == sample.notice().event_id


_HIGH = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOW = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("spelled", [_HIGH, _LOW], ids=["high", "low"])
@pytest.mark.parametrize("sample", WITH_HEADERS, ids=_named)
def test_a_headers_name_is_known_in_any_case(sample: SampleCall, spelled: dict[int, int]) -> None:
    headers = {name.translate(spelled): value for name, value in sample.call.headers.items()}
    assert sample.notice(headers=headers) == sample.notice()


@pytest.mark.parametrize("sample", WITH_HEADERS, ids=_named)
def test_a_letter_of_another_alphabet_makes_another_header(sample: SampleCall) -> None:
    for others in ("ıİ", "İı"):
        other = str.maketrans("iI", others)
        headers = {name.translate(other): value for name, value in sample.call.headers.items()}
        assert sample.read(headers=headers) == Refused("missing")


@pytest.mark.parametrize("sample", WITH_HEADERS, ids=_named)
def test_a_call_without_its_header_or_with_it_twice_is_refused(sample: SampleCall) -> None:
    assert sample.read(headers={}) == Refused("missing")
    for name, value in sample.call.headers.items():
        others = {other: said for other, said in sample.call.headers.items() if other != name}
        twice = {name.translate(_HIGH): value, name.translate(_LOW): value}
        for spoiled in ({}, {name: ""}, twice):
            assert sample.read(headers=others | spoiled) == Refused("missing")


texts = st.text(max_size=80) | st.binary(max_size=80).map(lambda value: value.decode("latin-1"))
HOSTILE = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{}",
    b"[]",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"id":' + b"9" * 5_000 + b"}",
    b'{"id":1e999999999}',
    b'{"id":"\\ud800","type":"\\ud800","status":"\\ud800"}',
    b'{"status":{},"paymentId":[],"token":{},"iyziEventType":1.5,"subscriptionReferenceCode":true}',
    b'{"id":"evt_1","type":[],"data":[],"livemode":"no"}',
    b'{"id":"evt_1","data":{"object":{"metadata":"x","payment_intent":{"id":{}}}}}',
    b"&" * 10_000,
    b"=" * 10_000,
    b"a=1&" * 5_000,
    b"hash=%&merchant_oid=%FF%00&status=success&total_amount=1",
    "hash=ü&merchant_oid=İ&status=success&total_amount=٣".encode(),
    b"hash=x&merchant_oid=a&status=success&total_amount=" + b"9" * 10_000,
]


def _resigned(sample: SampleCall, body: bytes, headers: Mapping[str, str]) -> Notice | Refused:
    found = sample.read(body=body, headers=headers)
    assert isinstance(found, Notice | Refused)
    if isinstance(found, Notice):
        assert isinstance(found.verified, Verified)
    return found


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:30]))
@every_call
def test_hostile_bytes_are_refused_and_raise_nothing(sample: SampleCall, body: bytes) -> None:
    assert isinstance(_resigned(sample, body, sample.call.headers), Refused)


@every_call
@given(body=st.binary(max_size=300), name=texts, value=texts)
def test_a_strangers_bytes_are_refused_and_raise_nothing(
    sample: SampleCall, body: bytes, name: str, value: str
) -> None:
    headers = {**dict.fromkeys(sample.call.headers, value), name: value}
    assert isinstance(_resigned(sample, body, headers), Refused)


@every_call
@given(data=st.data())
def test_pieces_cut_out_doubled_or_put_in_raise_nothing(sample: SampleCall, data: st.DataObject) -> None:
    body = sample.call.body
    for _ in range(data.draw(st.integers(1, 4))):
        first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
        piece = data.draw(st.sampled_from([b"", body[first:last] * 2]) | st.binary(max_size=20))
        body = body[:first] + piece + body[last:]
    _resigned(sample, body, sample.call.headers)


def test_a_call_prints_neither_its_secrets_nor_what_it_carries() -> None:
    for sample in CALLS:
        shown = repr(sample.call)
        hidden = [secret.get_secret_value() for secret in sample.call.credentials[0].values()]
        assert not [text for text in (*hidden, *sample.call.headers.values()) if text in shown]
        assert isinstance(sample.call, Call)
        assert all(isinstance(secret, SecretStr) for secret in sample.call.credentials[0].values())
