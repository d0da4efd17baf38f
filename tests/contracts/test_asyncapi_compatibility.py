import copy
from typing import Any

import pytest

from infra.asyncapi import asyncapi
from infra.asyncapi_compatibility import broken_channels

BASE = asyncapi()


def faults(change: str) -> list[str]:
    new: dict[str, Any] = copy.deepcopy(BASE)
    parts = {
        "d": new,
        "orders": new["channels"]["paymentCommands"],
        "events": new["channels"]["paymentEvents"],
        "s": new["components"]["schemas"],
        "m": new["components"]["messages"],
    }
    exec(change, parts)  # noqa: S102 - the changes stand below
    return broken_channels(BASE, new)


@pytest.mark.parametrize(
    "change",
    [
        "pass",
        "d['channels']['more'] = orders",
        "events['messages']['PaymentTipped'] = {}",
        "s['PaymentCreated']['properties']['tip'] = {'type': 'integer'}",
        "s['CloudEventHeaders']['properties']['ce_more'] = {'type': 'string'}",
        "orders['bindings']['kafka']['topicConfiguration']['retention.ms'] *= 2",
        "d['info']['description'] = 'better words'",
    ],
)
def test_a_contract_may_grow(change: str) -> None:
    assert faults(change) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("del d['channels']['paymentEvents']", "paymentEvents: the channel is gone"),
        ("events['address'] = 'elsewhere'", "its address was"),
        ("events['bindings']['kafka']['partitions'] = 12", "it had 6 partitions and has 12"),
        ("events['bindings']['kafka']['topicConfiguration']['retention.ms'] = 1", "were kept for -1 ms"),
        ("events['bindings']['kafka']['topicConfiguration']['cleanup.policy'] = ['compact']", "cleanup policy"),
        ("del events['messages']['PaymentCreated']", "PaymentCreated: the message is gone"),
        ("m['PaymentCreated']['name'] = 'payments.made.v1'", "its type was payments.created.v1"),
        ("m['PaymentCreated']['contentType'] = 'text/plain'", "its content type was application/json"),
        ("del s['PaymentCreated']['properties']['order_id']", "PaymentCreated: payload: order_id: the field is gone"),
        ("s['CreatePayment']['required'].append('owner')", "CreatePayment: payload: owner: it could be absent"),
        ("s['CloudEventHeaders']['required'].append('ce_time')", "headers: ce_time: it could be absent"),
        ("del s['CloudEventHeaders']['properties']['ce_id']", "headers: ce_id: the field is gone"),
        ("d['operations']['receivePaymentCommands']['action'] = 'send'", "goes another way"),
        ("d['x-kolaj-partitioner']['name'] = 'crc32'", "x-kolaj-partitioner: it was"),
    ],
)
def test_what_breaks_publishers_and_readers_is_named(change: str, says: str) -> None:
    assert any(says in fault for fault in faults(change)), faults(change)
