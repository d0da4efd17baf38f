import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from infra.sandbox.paypal import Books, Store
from infra.sandbox.paypal.call import Answer, Place
from infra.sandbox.paypal.performing import Performer, Received
from infra.sandbox.paypal.signing import new_signer

STRANGE: tuple[object, ...] = (None, 5, True, "", "Ş\u0000'--", "9" * 5000, [], [[]], [5], {}, {"a": {}}, {"a": [None]})
EURO = {"currency_code": "EUR", "value": "12.50"}
BACK = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/left"}
CARD = {"number": "4012000033330026", "expiry": "2035-12", "name": "AYSE YILMAZ"}
KEEP = {"vault": {"store_in_vault": "ON_SUCCESS"}, "customer": {"id": "c1"}}
CYCLE = {
    "frequency": {"interval_unit": "MONTH", "interval_count": 1},
    "tenure_type": "REGULAR",
    "sequence": 1,
    "total_cycles": 0,
    "pricing_scheme": {"fixed_price": EURO},
}
UNIT = {
    "reference_id": "u1",
    "custom_id": "c1",
    "invoice_id": "i1",
    "description": "A mug",
    "amount": {**EURO, "breakdown": {"item_total": EURO}},
    "items": [{"name": "Mug", "quantity": "1", "unit_amount": EURO}],
    "shipping": {"name": {"full_name": "Ayse"}, "address": {"country_code": "TR"}},
}
ORDER = {"intent": "CAPTURE", "purchase_units": [UNIT]}
VERIFICATION = {"verification": {"method": "SCA_ALWAYS"}}
TWO_UNITS = {
    **ORDER,
    "purchase_units": [{"amount": EURO, "reference_id": "u1"}, {"amount": EURO, "reference_id": "u2"}],
}


def of_order(source: object) -> dict[str, Any]:
    return {**ORDER, "purchase_units": [{"amount": EURO}], "payment_source": source}


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "order": ("/v2/checkout/orders", ORDER),
    "units": ("/v2/checkout/orders", TWO_UNITS),
    "wallet": ("/v2/checkout/orders", of_order({"paypal": {"experience_context": BACK, "attributes": KEEP}})),
    "card": ("/v2/checkout/orders", of_order({"card": {**CARD, "attributes": {**KEEP, **VERIFICATION}}})),
    "kept": (
        "/v2/checkout/orders",
        of_order({"card": {"vault_id": "sandboxvisa", "stored_credential": {"payment_initiator": "MERCHANT"}}}),
    ),
    "application context": ("/v2/checkout/orders", {**TWO_UNITS, "application_context": BACK}),
    "setup": ("/v3/vault/setup-tokens", {"payment_source": {"card": CARD}, "customer": {"id": "c1"}}),
    "wallet setup": ("/v3/vault/setup-tokens", {"payment_source": {"paypal": {"experience_context": BACK}}}),
    "token": ("/v3/vault/payment-tokens", {"payment_source": {"card": CARD}, "customer": {"id": "c1"}}),
    "exchange": ("/v3/vault/payment-tokens", {"payment_source": {"token": {"id": "x", "type": "SETUP_TOKEN"}}}),
    "product": ("/v1/catalogs/products", {"name": "Club", "type": "SERVICE", "description": "x", "id": "PROD-X"}),
    "plan": (
        "/v1/billing/plans",
        {"product_id": "PROD-CLUB", "name": "Monthly", "billing_cycles": [CYCLE], "payment_preferences": {}},
    ),
    "subscription": (
        "/v1/billing/subscriptions",
        {
            "plan_id": "P-1",
            "custom_id": "c",
            "application_context": BACK,
            "subscriber": {"email_address": "a@b.example"},
        },
    ),
    "verification": (
        "/v1/notifications/verify-webhook-signature",
        {
            "auth_algo": "a",
            "cert_url": "b",
            "transmission_id": "c",
            "transmission_sig": "d",
            "transmission_time": "e",
            "webhook_id": "f",
            "webhook_event": {"id": "g"},
        },
    ),
}
A_CHANGE = [{"op": "replace", "path": "/purchase_units/@reference_id=='u1'/amount", "value": EURO}]


class Caller:
    def __init__(self, performer: Performer) -> None:
        self.performer = performer
        self.token = ""

    async def call(self, method: str, path: str, body: object) -> Answer:
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "paypal-request-id": uuid.uuid4().hex,
            "prefer": "return=representation",
        }
        sent = json.dumps(body).encode()
        accepted = self.performer.accept(Received(method, path, {}, headers, sent))
        assert accepted is not None
        return await self.performer.perform(accepted)

    async def begin(self) -> None:
        store = self.performer.store
        keys = base64.b64encode(f"{store.client_id}:{store.client_secret}".encode()).decode()
        received = Received(
            "POST", "/v1/oauth2/token", {}, {"authorization": f"Basic {keys}"}, b"grant_type=client_credentials"
        )
        accepted = self.performer.accept(received)
        assert accepted is not None
        self.token = ((await self.performer.perform(accepted)).body or {})["access_token"]

    async def plan(self) -> str:
        """Of a product that is there once."""
        await self.call("POST", "/v1/catalogs/products", {"id": "PROD-CLUB", "name": "Club", "type": "SERVICE"})
        return str(((await self.call("POST", *BODIES["plan"])).body or {})["id"])


@pytest.fixture(scope="module")
def performer() -> Iterator[Performer]:
    with Books() as books:
        store = Store(unique_invoices=False)
        yield Performer(books, store, Place(new_signer(trustme.CA(), store.certificate_name)))


def spoilt(node: Any) -> Iterator[Any]:
    """Everything that comes of putting something strange in the place of one part."""
    yield from STRANGE
    if isinstance(node, dict):
        for name, child in node.items():
            yield {key: value for key, value in node.items() if key != name}
            for strange in spoilt(child):
                yield {**node, name: strange}
    elif isinstance(node, list) and node:
        for strange in spoilt(node[0]):
            yield [strange, *node[1:]]


@pytest.mark.parametrize("name", BODIES)
async def test_no_part_of_a_body_is_more_than_a_refusal(performer: Performer, name: str) -> None:
    path, body = BODIES[name]
    caller = Caller(performer)
    await caller.begin()
    plan = await caller.plan()
    body |= {"plan_id": plan} if "plan_id" in body else {}
    for strange in spoilt(body):
        answer = await caller.call("POST", path, strange)
        assert answer.status < 500, strange


async def test_no_part_of_what_is_done_to_a_thing_is_more_than_a_refusal(performer: Performer) -> None:
    caller = Caller(performer)
    await caller.begin()
    order = ((await caller.call("POST", "/v2/checkout/orders", ORDER)).body or {})["id"]
    paid = (await caller.call("POST", "/v2/checkout/orders", of_order({"card": CARD}))).body or {}
    capture = paid["purchase_units"][0]["payments"]["captures"][0]["id"]
    parcel = {"capture_id": capture, "tracking_number": "1", "items": [{"name": "Mug"}]}
    calls: tuple[tuple[str, str, Any], ...] = (
        ("PATCH", f"/v2/checkout/orders/{order}", A_CHANGE),
        ("POST", f"/v2/checkout/orders/{order}/capture", {"payment_source": {"card": CARD}}),
        ("POST", f"/v2/checkout/orders/{paid['id']}/track", parcel),
        ("PATCH", f"/v1/billing/plans/{await caller.plan()}", [{"op": "replace", "path": "/name", "value": "x"}]),
        ("POST", f"/v2/payments/captures/{capture}/refund", {"amount": {**EURO, "value": "0.01"}, "custom_id": "c"}),
    )
    for method, path, body in calls:
        for strange in spoilt(body):
            answer = await caller.call(method, path, strange)
            assert answer.status < 500, (path, strange)
