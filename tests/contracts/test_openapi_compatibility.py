import copy
import json
from pathlib import Path
from typing import Any

import pytest

from infra.contracts import OPENAPI, RELEASED, ContractBroken, export, release
from infra.openapi_compatibility import broken_operations

BASE: dict[str, Any] = {
    "paths": {
        "/v1/orders": {
            "post": {
                "operationId": "addOrder",
                "parameters": [
                    {"in": "header", "name": "Key", "required": True, "schema": {"type": "string", "maxLength": 10}},
                    {"in": "query", "name": "wait", "schema": {"type": "integer", "maximum": 30}},
                    {"in": "query", "name": "kind", "schema": {"type": "string", "enum": ["a", "b"]}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
                "responses": {
                    "202": {
                        "headers": {"Location": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}},
                    },
                    "422": {"content": {"application/problem+json": {"schema": {"type": "object"}}}},
                },
                "security": [{"bearer": ["orders:write"]}, {"bearer": ["orders:admin"]}],
            },
            "get": {"operationId": "orders", "responses": {"200": {}}},
        },
        "/v1/old": {"get": {"operationId": "old", "responses": {"200": {}}}},
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}, "note": {"type": "string"}},
                "required": ["colour"],
            },
            "Taken": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "state": {"type": "string", "enum": ["taken"]}},
                "required": ["id"],
            },
        }
    },
}


def faults(change: str) -> list[str]:
    new = copy.deepcopy(BASE)
    add = new["paths"]["/v1/orders"]["post"]
    schemas = new["components"]["schemas"]
    known = {"d": new, "add": add, "p": add["parameters"], "order": schemas["Order"], "taken": schemas["Taken"]}
    exec(change, known)  # noqa: S102 - the changes stand below
    return broken_operations(BASE, new)


@pytest.mark.parametrize(
    "change",
    [
        "pass",
        "d['paths']['/v1/new'] = {'get': {'operationId': 'new', 'responses': {'200': {}}}}",
        "d['paths']['/v1/orders']['put'] = {'operationId': 'put', 'responses': {'200': {}}}",
        "p.append({'in': 'query', 'name': 'more', 'schema': {'type': 'string'}})",
        "p[0]['required'] = False",
        "p[2]['schema']['enum'].append('c')",
        "order['properties']['more'] = {'type': 'string'}",
        "order['properties']['colour']['enum'].append('green')",
        "taken['properties']['more'] = {'type': 'string'}",
        "taken['properties']['state']['enum'].append('waiting')",
        "add['responses']['429'] = {}",
        "del add['responses']['422']",
        "add['responses']['202']['content']['text/plain'] = {'schema': {'type': 'string'}}",
        "add['security'].append({'bearer': ['orders:other']})",
        "del add['security']",
        "add['description'] = 'better words'",
        "add['deprecated'] = True",
    ],
)
def test_a_contract_may_grow(change: str) -> None:
    assert faults(change) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("del d['paths']['/v1/old']", "/v1/old: the path is gone"),
        ("del d['paths']['/v1/orders']['get']", "get /v1/orders: the operation is gone"),
        ("add['operationId'] = 'x'", "its name was addOrder and is x"),
        ("del p[1]", "query wait: the parameter is gone"),
        ("p[1]['required'] = True", "query wait: it could be absent and must be there"),
        ("p.append({'in': 'header', 'name': 'New', 'required': True})", "header New: a new parameter must be optional"),
        ("p[0]['schema']['maxLength'] = 9", "header Key: the body: maxLength was 10 and is 9"),
        ("p[1]['schema']['type'] = 'string'", "query wait: the body: type was 'integer' and is 'string'"),
        ("p[2]['schema']['enum'].remove('b')", "query kind: the body: words are gone: b"),
        ("del add['requestBody']", "the request has no body any more"),
        ("add['requestBody']['content'] = {'text/plain': {}}", "request: application/json is gone"),
        ("order['properties']['colour']['enum'].remove('red')", "request: colour: words are gone: red"),
        ("order['required'].append('note')", "request: note: it could be absent and must be there"),
        ("del order['properties']['note']", "request: note: the field is gone"),
        (
            "order['properties']['n'] = {'type': 'string'}; order['required'].append('n')",
            "request: n: a new field must be optional",
        ),
        ("d['paths']['/v1/orders']['get']['requestBody'] = {'required': True}", "could be absent and must be there"),
        ("del taken['properties']['id']", "202: id: the field is gone"),
        ("taken['required'] = []", "202: id: it was always there and may be absent"),
        ("taken['properties']['id']['type'] = 'integer'", "202: id: type was 'string' and is 'integer'"),
        ("taken['properties']['state']['enum'] = ['done']", "202: state: words are gone: taken"),
        ("del add['responses']['202']", "202: the answer is gone"),
        ("add['responses']['200'] = {}", "200: callers do not know this success"),
        ("add['responses']['202']['content'] = {'text/plain': {}}", "202: application/json is gone"),
        ("del add['responses']['202']['headers']", "202: the header Location is gone"),
        ("add['security'].pop()", "these credentials are not enough any more: bearer with orders:admin"),
        ("d['paths']['/v1/orders']['get']['security'] = [{'bearer': []}]", "it was open and asks for credentials"),
    ],
)
def test_what_breaks_callers_is_named(change: str, says: str) -> None:
    assert any(says in fault for fault in faults(change)), faults(change)


def test_an_export_and_a_release_refuse_to_break_what_was_released(tmp_path: Path) -> None:
    release(tmp_path)
    kept = tmp_path / RELEASED / OPENAPI
    document = json.loads(kept.read_text())
    document["paths"]["/v1/orders"] = {"get": {"operationId": "orders", "responses": {"200": {}}}}
    kept.write_text(json.dumps(document))
    before = (tmp_path / OPENAPI).read_text()
    for write in (export, release):
        with pytest.raises(ContractBroken, match=r"openapi.json: /v1/orders: the path is gone"):
            write(tmp_path)
    assert (tmp_path / OPENAPI).read_text() == before


def test_a_second_release_of_the_same_changes_nothing(tmp_path: Path) -> None:
    assert {f"{RELEASED}/{OPENAPI}", OPENAPI} <= set(release(tmp_path))
    assert release(tmp_path) == []
