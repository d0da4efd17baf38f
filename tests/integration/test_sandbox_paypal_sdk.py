"""PayPal's own library for Python, unchanged, drives all of its operations against the sandbox."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from infra.sandbox.paypal import PaypalSandbox, Store, running_paypal_sandbox
from infra.sandbox.paypal.tokens import token_calls
from tests.paypal_merchant import unlike_published

EURO = {"currency_code": "EUR", "value": "12.50"}
BACK = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/left"}
WHOLE = "return=representation"
CARD = {"number": "4012000033330026", "expiry": "2035-12", "name": "AYSE YILMAZ", "security_code": "123"}


@dataclass
class Sdk:
    sandbox: PaypalSandbox
    client: PaypalServersdkClient
    used: set[str]
    _number: int = 0

    async def call(self, operation: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One call in a thread of its own, since the library blocks; its body."""
        self.used.add(operation.__name__)
        given = arguments or ((options,) if options else ())
        answer = await asyncio.to_thread(operation, *given)
        return answer.body

    def key(self) -> str:
        self._number += 1
        return f"sdk-{self._number}"

    async def order(self, intent: str = "CAPTURE", **more: Any) -> Any:
        unit = {"amount": EURO, "custom_id": self.key(), "invoice_id": self.key()}
        body = {"intent": intent, "purchase_units": [unit], **more}
        return await self.call(self.client.orders.create_order, body=body, paypal_request_id=self.key(), prefer=WHOLE)

    async def approved(self, intent: str = "CAPTURE") -> str:
        order = await self.order(intent, payment_source={"paypal": {"experience_context": BACK}})
        await self.sandbox.approve(order.id)
        return str(order.id)


@pytest_asyncio.fixture(scope="module")
async def sdk() -> AsyncIterator[Sdk]:
    async with running_paypal_sandbox(store=Store(report_lag_s=0, token_s=365 * 24 * 3600)) as sandbox:
        # Its table of addresses is the one place where it can be told another.
        Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = sandbox.base_url
        keys = ClientCredentialsAuthCredentials(
            o_auth_client_id=sandbox.client_id, o_auth_client_secret=sandbox.client_secret
        )
        client = PaypalServersdkClient(environment=Environment.SANDBOX, client_credentials_auth_credentials=keys)
        yield Sdk(sandbox, client, set())


async def test_an_order_is_created_changed_confirmed_and_captured(sdk: Sdk) -> None:
    orders = sdk.client.orders
    made = await sdk.order()
    assert (made.status, [link.rel for link in made.links][1]) == ("CREATED", "approve")
    patch = [{"op": "replace", "path": "/purchase_units/@reference_id=='default'/description", "value": "A mug"}]
    await sdk.call(orders.patch_order, id=made.id, body=patch)
    assert (await sdk.call(orders.get_order, {"id": made.id})).purchase_units[0].description == "A mug"
    source = {"payment_source": {"paypal": {"experience_context": BACK}}}
    confirmed = await sdk.call(orders.confirm_order, id=made.id, body=source, prefer=WHOLE)
    assert confirmed.status == "PAYER_ACTION_REQUIRED"
    await sdk.sandbox.approve(made.id)
    taken = await sdk.call(orders.capture_order, id=made.id, prefer=WHOLE, paypal_request_id=sdk.key())
    (capture,) = taken.purchase_units[0].payments.captures
    assert (taken.status, capture.status, capture.amount.value) == ("COMPLETED", "COMPLETED", "12.50")
    parcel = {"capture_id": capture.id, "tracking_number": "TR123", "carrier": "OTHER", "carrier_name_other": "PTT"}
    tracked = await sdk.call(orders.create_order_tracking, id=made.id, body=parcel)
    assert tracked.id == made.id
    gone = [{"op": "replace", "path": "/status", "value": "CANCELLED"}]
    await sdk.call(orders.update_order_tracking, id=made.id, tracker_id=f"{capture.id}-TR123", body=gone)


async def test_a_hold_is_authorized_captured_renewed_and_voided(sdk: Sdk) -> None:
    orders, payments = sdk.client.orders, sdk.client.payments
    order = await sdk.approved("AUTHORIZE")
    held = await sdk.call(orders.authorize_order, id=order, prefer=WHOLE, paypal_request_id=sdk.key())
    hold = held.purchase_units[0].payments.authorizations[0].id
    found = await sdk.call(payments.get_authorized_payment, {"authorization_id": hold})
    assert (found.status, found.supplementary_data.related_ids.order_id) == ("CREATED", order)
    await sdk.sandbox.advance(4 * 24 * 3600)
    renewed = await sdk.call(
        payments.reauthorize_payment, authorization_id=hold, body={"amount": EURO}, paypal_request_id=sdk.key()
    )
    assert renewed.id != hold
    part = {"amount": {**EURO, "value": "5.00"}, "final_capture": False}
    capture = await sdk.call(
        payments.capture_authorized_payment,
        authorization_id=renewed.id,
        body=part,
        prefer=WHOLE,
        paypal_request_id=sdk.key(),
    )
    assert (await sdk.call(payments.get_captured_payment, {"capture_id": capture.id})).amount.value == "5.00"
    voided = await sdk.call(
        payments.void_payment, authorization_id=renewed.id, prefer=WHOLE, paypal_request_id=sdk.key()
    )
    assert voided.status == "VOIDED"
    refund = await sdk.call(
        payments.refund_captured_payment, capture_id=capture.id, prefer=WHOLE, paypal_request_id=sdk.key()
    )
    assert (await sdk.call(payments.get_refund, {"refund_id": refund.id})).status == "COMPLETED"


async def test_a_card_and_a_wallet_are_kept_listed_and_dropped(sdk: Sdk) -> None:
    vault = sdk.client.vault
    card = {"payment_source": {"card": CARD}, "customer": {"id": "sdk-customer"}}
    setup = await sdk.call(vault.create_setup_token, paypal_request_id=sdk.key(), body=card)
    assert (await sdk.call(vault.get_setup_token, setup.id)).status == "APPROVED"
    exchange = {"payment_source": {"token": {"id": setup.id, "type": "SETUP_TOKEN"}}}
    token = await sdk.call(vault.create_payment_token, paypal_request_id=sdk.key(), body=exchange)
    assert (await sdk.call(vault.get_payment_token, token.id)).payment_source.card.last_digits == "0026"
    wallet = {"payment_source": {"paypal": {"usage_type": "MERCHANT", "experience_context": BACK}}}
    waiting = await sdk.call(
        vault.create_setup_token, paypal_request_id=sdk.key(), body={**wallet, "customer": {"id": "sdk-customer"}}
    )
    assert waiting.status == "PAYER_ACTION_REQUIRED"
    await sdk.sandbox.approve(waiting.id)
    exchange = {"payment_source": {"token": {"id": waiting.id, "type": "SETUP_TOKEN"}}}
    kept = await sdk.call(vault.create_payment_token, paypal_request_id=sdk.key(), body=exchange)
    listed = await sdk.call(vault.list_customer_payment_tokens, customer_id="sdk-customer", total_required=True)
    assert [one.id for one in listed.payment_tokens] == [token.id, kept.id]
    paid = await sdk.order(payment_source={"card": {"vault_id": token.id}})
    assert paid.status == "COMPLETED"
    await sdk.call(vault.delete_payment_token, token.id)
    with pytest.raises(ErrorException) as missing:
        await sdk.call(vault.get_payment_token, token.id)
    assert missing.value.name == "RESOURCE_NOT_FOUND"


async def a_plan(sdk: Sdk, product: str, price: str) -> str:
    cycles = [
        {
            "frequency": {"interval_unit": "MONTH", "interval_count": 1},
            "tenure_type": "REGULAR",
            "sequence": 1,
            "total_cycles": 0,
            "pricing_scheme": {"fixed_price": {"currency_code": "EUR", "value": price}},
        }
    ]
    body = {"product_id": product, "name": "Monthly", "billing_cycles": cycles, "payment_preferences": {}}
    plan = await sdk.call(sdk.client.subscriptions.create_billing_plan, body=body, paypal_request_id=sdk.key())
    return str(plan.id)


async def a_product(sdk: Sdk) -> str:
    """The library has no operation for it."""

    keys = base64.b64encode(f"{sdk.sandbox.client_id}:{sdk.sandbox.client_secret}".encode()).decode()
    token = await sdk.call(sdk.client.o_auth_authorization.request_token, {"authorization": f"Basic {keys}"})
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token.access_token}"}) as client:
        body = {"name": "Club", "type": "SERVICE"}
        answer = await client.post(f"{sdk.sandbox.base_url}/v1/catalogs/products", json=body)
    return str(answer.json()["id"])


async def test_plans_and_subscriptions_live_through_all_they_can(sdk: Sdk) -> None:
    subscriptions = sdk.client.subscriptions
    product = await a_product(sdk)
    cheap, dear = await a_plan(sdk, product, "9.00"), await a_plan(sdk, product, "19.00")
    listed = await sdk.call(subscriptions.list_billing_plans, product_id=product, total_required=True)
    assert [plan.id for plan in listed.plans] == [cheap, dear]
    await sdk.call(subscriptions.deactivate_billing_plan, dear)
    await sdk.call(subscriptions.activate_billing_plan, dear)
    patch = [{"op": "replace", "path": "/description", "value": "All of it"}]
    await sdk.call(subscriptions.patch_billing_plan, id=dear, body=patch)
    price = {"billing_cycle_sequence": 1, "pricing_scheme": {"fixed_price": {**EURO, "value": "20.00"}}}
    prices = {"pricing_schemes": [price]}
    await sdk.call(subscriptions.update_billing_plan_pricing_schemes, id=dear, body=prices)
    plan = await sdk.call(subscriptions.get_billing_plan, dear)
    assert plan.billing_cycles[0].pricing_scheme.fixed_price.value == "20.00"
    body = {"plan_id": cheap, "custom_id": "sdk-club", "application_context": BACK}
    made = await sdk.call(subscriptions.create_subscription, body=body, paypal_request_id=sdk.key(), prefer=WHOLE)
    assert made.status == "APPROVAL_PENDING"
    await sdk.sandbox.approve(made.id)
    found = await sdk.call(subscriptions.get_subscription, {"id": made.id})
    assert (found.status, found.billing_info.last_payment.amount.value) == ("ACTIVE", "9.00")
    assert made.id in [
        one.id for one in (await sdk.call(subscriptions.list_subscriptions, plan_ids=cheap)).subscriptions
    ]
    revised = await sdk.call(subscriptions.revise_subscription, id=made.id, body={"plan_id": dear})
    assert (revised.plan_id, [link.rel for link in revised.links if link.rel == "approve"]) == (dear, ["approve"])
    await sdk.sandbox.approve(made.id)
    await order(sdk, "subscribers", id=made.id, fails=True)
    await sdk.sandbox.advance(32 * 24 * 3600)
    note = {"note": "What is owed", "capture_type": "OUTSTANDING_BALANCE", "amount": {**EURO, "value": "20.00"}}
    await sdk.call(subscriptions.capture_subscription, id=made.id, body=note, paypal_request_id=sdk.key())
    since, until = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=60)
    sales = await sdk.call(
        subscriptions.list_subscription_transactions,
        id=made.id,
        start_time=since.isoformat(),
        end_time=until.isoformat(),
    )
    assert [one.amount_with_breakdown.gross_amount.value for one in sales.transactions] == ["9.00", "20.00"]
    custom = [{"op": "replace", "path": "/custom_id", "value": "sdk-club-2"}]
    await sdk.call(subscriptions.patch_subscription, id=made.id, body=custom)
    why = {"reason": "because"}
    await sdk.call(subscriptions.suspend_subscription, id=made.id, body=why)
    await sdk.call(subscriptions.activate_subscription, id=made.id, body=why)
    await sdk.call(subscriptions.cancel_subscription, id=made.id, body=why)
    assert (await sdk.call(subscriptions.get_subscription, {"id": made.id})).status == "CANCELLED"


async def test_transactions_and_balances_are_those_of_the_books(sdk: Sdk) -> None:
    await sdk.order(payment_source={"card": CARD})
    search, now = sdk.client.transaction_search, sdk.sandbox.clock.now_ms() / 1000
    at = datetime.fromtimestamp(now, UTC)
    found = await sdk.call(
        search.search_transactions,
        start_date=(at - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        end_date=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        fields="all",
    )
    last = found.transaction_details[-1].transaction_info
    assert (last.transaction_event_code, last.transaction_amount.value) == ("T0006", "12.50")
    balances = await sdk.call(search.search_balances, {})
    minor = sdk.sandbox.books.totals().balance_minor["EUR"]
    assert balances.balances[0].total_balance.value == f"{minor // 100}.{minor % 100:02d}"


async def test_a_mistake_is_told_by_its_issue(sdk: Sdk) -> None:
    with pytest.raises(ErrorException) as told:
        await sdk.order(payment_source={"card": {"vault_id": "nobodys"}})
    assert (told.value.name, told.value.details[0].issue) == ("UNPROCESSABLE_ENTITY", "TOKEN_ID_NOT_FOUND")
    assert told.value.debug_id


async def order(sdk: Sdk, page: str, **values: Any) -> None:

    async with httpx.AsyncClient() as client:
        assert (await client.post(sdk.sandbox.admin_url + page, json=values)).status_code == httpx.codes.OK


def operations_of(client: PaypalServersdkClient) -> set[str]:
    parts = ("orders", "payments", "vault", "subscriptions", "transaction_search", "o_auth_authorization")
    found: set[str] = set()
    for part in parts:
        kind = type(getattr(client, part))
        found |= {name for name in vars(kind) if not name.startswith("_")}
    return found


async def test_every_operation_of_the_library_was_driven(sdk: Sdk) -> None:
    assert operations_of(sdk.client) == sdk.used
    assert await sdk.sandbox.books.run(token_calls) == 2  # one of its own, one that a test asked for


async def test_every_answer_was_as_published(sdk: Sdk) -> None:
    assert not unlike_published(sdk.sandbox)
