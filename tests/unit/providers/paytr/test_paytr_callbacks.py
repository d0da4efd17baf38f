"""PayTR's callbacks and tokens against vectors made with paytr-python, and against that client itself."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paytr import PayTRClient
from paytr.exceptions import PayTRSignatureError
from pydantic import SecretStr

from providers.connection_settings import USUAL
from providers.notices import Call, Notice, Refused
from providers.payments.paytr import CONNECTOR
from providers.payments.paytr.signing import sign_form
from providers.payments.paytr.status import ask
from providers.payments.paytr.webhook import read_notice, signature_of
from tests.conformance.samples import NOW

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "paytr.json").read_text())
KEYS = {name: SecretStr(value) for name, value in VECTORS["keys"].items()}
PAYMENTS = [vector for vector in VECTORS["callback"] if "merchant_oid" in vector["form"]]
CASHOUT = next(vector for vector in VECTORS["callback"] if "mode" in vector["form"])
named_vectors = pytest.mark.parametrize("vector", PAYMENTS, ids=lambda vector: vector["name"])


def theirs() -> PayTRClient:
    return PayTRClient(**VECTORS["keys"])


def read(form: dict[str, str] | bytes, *, environment: str = "sandbox", keys: Any = KEYS) -> Notice | Refused:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return read_notice(Call({}, body, (keys,), NOW, USUAL, environment))


def form_of(name: str) -> dict[str, str]:
    form: dict[str, str] = next(vector["form"] for vector in PAYMENTS if vector["name"] == name)
    return form


def order_of(notice: Notice) -> str | None:
    """On a link the order is PayTR's own; else it is the reference that we sent."""
    return notice.our_reference if notice.about == "payment" else notice.order_reference


def signed(**fields: str) -> dict[str, str]:
    return {**fields, "hash": signature_of(fields, KEYS) or ""}


def test_a_status_query_is_signed_as_theirs_signs_it() -> None:
    vector = next(vector for vector in VECTORS["request"] if vector["name"] == "status_query")
    request = ask(vector["form"]["merchant_oid"])
    sent = dict(parse_qsl(request.body.decode())) | dict(sign_form(request, KEYS))
    assert sent == vector["form"]
    assert vector["url"] == CONNECTOR.base_urls["production"] + request.path
    assert sent["paytr_token"] == theirs()._token(sent["merchant_id"], sent["merchant_oid"])


@named_vectors
def test_a_callback_of_theirs_is_read(vector: dict[str, Any]) -> None:
    assert signature_of(vector["form"], KEYS) == vector["expected_hash"]
    notice = read(vector["form"])
    assert isinstance(notice, Notice)
    assert order_of(notice) == vector["form"]["merchant_oid"]
    assert notice.our_reference == vector["form"].get("callback_id", vector["form"]["merchant_oid"])
    assert notice.said == ("captured" if vector["parsed"]["is_success"] else "failed")
    assert CONNECTOR.webhooks is not None
    assert CONNECTOR.webhooks.taken.body.decode() == vector["expected_reply_body"]


@pytest.mark.parametrize("vector", VECTORS["callback_negative"], ids=lambda vector: vector["name"])
def test_a_changed_callback_is_refused_where_the_hash_covers_the_change(vector: dict[str, Any]) -> None:
    found = read(vector["form"])
    if vector["name"] == "tampered_currency_not_detected":
        assert isinstance(found, Notice)
    else:
        assert found == Refused("missing" if vector["name"] == "missing_hash" else "wrong")


@given(
    callback_id=st.sampled_from(["", "L1", "Ödeme"]),
    reference=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=64),
    status=st.sampled_from(["success", "failed"]),
    total=st.integers(0, 10**12),
    spoil=st.sampled_from(["", "merchant_oid", "status", "total_amount", "hash", "callback_id"]),
)
def test_the_independent_client_takes_what_we_take_and_refuses_what_we_refuse(
    callback_id: str, reference: str, status: str, total: int, spoil: str
) -> None:
    fields = {"merchant_oid": reference, "status": status, "total_amount": str(total)}
    form = signed(**fields, **({"callback_id": callback_id} if callback_id else {}))
    if spoil:
        form[spoil] = {"status": "failed" if status == "success" else "success"}.get(spoil, form.get(spoil, "") + "1")
    found = read(form)
    try:
        parsed = theirs().parse_callback(form)
    except PayTRSignatureError:
        assert found == Refused("wrong")
    else:
        assert isinstance(found, Notice)
        assert (parsed.merchant_oid, parsed.status) == (order_of(found), found.event_type)


async def test_the_independent_client_acknowledges_with_the_very_bytes_that_we_do() -> None:
    assert CONNECTOR.webhooks is not None
    answer = await theirs().handle_callback(form_of("success"), lambda _: True)
    assert answer == (CONNECTOR.webhooks.taken.body.decode(), CONNECTOR.webhooks.taken.status)


def test_repeats_are_one_event_and_another_word_is_another_one() -> None:
    first = read(form_of("success"))
    again = read({**form_of("success"), "installment_count": "3", "currency": "TRY"})
    other = read(form_of("failed"))
    assert isinstance(first, Notice)
    assert isinstance(again, Notice)
    assert isinstance(other, Notice)
    assert first.event_id == again.event_id == "SIPARIS123|success|3456"
    assert other.event_id != first.event_id


@pytest.mark.parametrize("environment", ["production", "sandbox"])
@pytest.mark.parametrize("test_mode", ["0", "1"])
def test_a_test_is_taken_for_no_money(environment: str, test_mode: str) -> None:
    found = read({**form_of("success"), "test_mode": test_mode}, environment=environment)
    if environment == "production" and test_mode == "1":
        assert found == Refused("wrong_environment")
    else:
        assert isinstance(found, Notice)


def test_only_what_is_rightly_signed_is_told_to_be_of_another_environment() -> None:
    forged = {**form_of("success"), "test_mode": "1", "total_amount": "1"}
    assert read(forged, environment="production") == Refused("wrong")


@pytest.mark.parametrize("name", ["merchant_oid", "status", "total_amount", "hash", "test_mode", "callback_id"])
def test_a_name_that_stands_twice_is_malformed_even_with_equal_values(name: str) -> None:
    body = urlencode([*form_of("link_success").items(), (name, form_of("link_success")[name])]).encode()
    assert read(body) == Refused("malformed")


def test_the_interim_word_of_a_transfer_is_heard_only_when_its_hash_can_be_checked() -> None:
    told = read(signed(merchant_oid="SIPARIS128", status="info", bank="isbank"))
    assert isinstance(told, Notice)
    assert (told.said, told.event_id) == ("pending", "SIPARIS128|info|")
    assert read({"merchant_oid": "SIPARIS128", "status": "info", "hash": "c29tZSBvdGhlciBmb3JtdWxh"}) == Refused(
        "wrong"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"merchant_oid": "SIPARIS123", "status": "paid", "total_amount": "3456"},
        {"merchant_oid": "SIPARIS123", "status": "success3", "total_amount": "456"},
        {"merchant_oid": "SIPARIS123", "status": "success", "total_amount": ""},
        {"merchant_oid": "SIPARIS123", "status": "success", "total_amount": "34,56"},
        {"merchant_oid": "", "status": "success", "total_amount": "3456"},
        {"status": "success", "total_amount": "3456"},
    ],
)
def test_what_the_documents_do_not_have_is_malformed_though_rightly_signed(fields: dict[str, str]) -> None:
    assert read(signed(**fields)) == Refused("malformed")


def test_both_secrets_of_one_set_are_needed() -> None:
    for name in ("merchant_key", "merchant_salt"):
        lacking = {other: secret for other, secret in KEYS.items() if other != name}
        assert read(form_of("success"), keys=lacking) == Refused("wrong")
        assert read(form_of("success"), keys={**KEYS, name: SecretStr("other")}) == Refused("wrong")


def test_a_reason_in_another_charset_spoils_nothing() -> None:
    form = urlencode({**form_of("failed"), "failed_reason_msg": ""}).encode() + b"&x="
    assert isinstance(read(form + "Yetersiz bakiye: ş".encode("iso-8859-9")), Notice)
    assert isinstance(read(form + b"%FE%DE"), Notice)


def test_the_call_about_returned_money_is_read_and_how_it_ended_is_not_believed() -> None:
    form = CASHOUT["form"]
    assert signature_of(form, KEYS) == CASHOUT["expected_hash"]
    told = read(form)
    failed = read({**form, "processed_result": form["processed_result"].replace("success", "failed")})
    assert isinstance(told, Notice)
    assert told == failed
    assert (told.event_type, told.event_id, told.said) == ("cashout", "cashout|TR2", None)
    assert read({**form, "trans_id": "TR3"}) == Refused("wrong")
    assert read({**form, "trans_id": ""}) == Refused("malformed")
    assert read(form, keys={**KEYS, "merchant_id": SecretStr("654321")}) == Refused("wrong")


@pytest.mark.parametrize("listed", ["", "[]", "{}", "null", "[1]", '[""]', '["TR1"', '"TR1"', "[" * 100_000])
def test_a_list_of_transfers_that_is_none_is_malformed(listed: str) -> None:
    assert read(signed(trans_ids=listed)) == Refused("malformed")


def test_a_hash_of_one_kind_of_call_vouches_for_no_other_kind() -> None:
    payment = form_of("success")
    assert read({"trans_ids": '["SIPARIS123"]', "hash": payment["hash"]}) == Refused("wrong")
    assert read({"mode": "cashout", "trans_id": "SIPARIS123", "hash": payment["hash"]}) == Refused("wrong")
    assert read({**payment, "hash": CASHOUT["form"]["hash"]}) == Refused("wrong")
    assert read({**payment, "trans_ids": '["SIPARIS123"]'}) == Refused("wrong")


def test_the_buyers_key_of_a_card_that_was_kept_is_told_and_shows_nowhere() -> None:
    told = read({**form_of("success"), "utoken": "cust-Zq8"})
    assert isinstance(told, Notice)
    assert told.customer_key == "cust-Zq8"
    assert "cust-Zq8" not in repr(told)
