"""The paths under `/v2/subscription`. None of their answers is signed."""

from types import MappingProxyType
from typing import Final

from infra.sandbox.iyzico.route import Operation, Route, Routes
from infra.sandbox.iyzico.subscriptions import catalog, customers, hosted, life, starting

_BASE: Final = "/v2/subscription"
_PRODUCT: Final = "/products/{product}"
_PLAN: Final = "/pricing-plans/{plan}"
_ONE: Final = "/subscriptions/{subscription}"
_CUSTOMER: Final = "/customers/{customer}"
_CARD: Final = "/card-update/checkoutform/initialize"

_SENT: Final[tuple[tuple[str, str, Operation], ...]] = (
    ("POST", "/products", catalog.create_product),
    ("POST", _PRODUCT, catalog.update_product),
    ("POST", f"{_PRODUCT}/pricing-plans", catalog.create_plan),
    ("POST", _PLAN, catalog.update_plan),
    ("POST", "/initialize", starting.initialize),
    ("POST", "/initialize/with-customer", starting.initialize_with_customer),
    ("POST", "/checkoutform/initialize", hosted.start_form),
    ("POST", f"{_ONE}/upgrade", life.upgrade),
    ("POST", "/operation/retry", life.retry),
    ("POST", _CARD, hosted.start_card_update),
    ("POST", f"{_CARD}/with-subscription", hosted.start_subscription_card_update),
    ("POST", "/customers", customers.create_customer),
    ("POST", _CUSTOMER, customers.update_customer),
)
_BARE: Final[tuple[tuple[str, str, Operation], ...]] = (
    ("GET", "/products", catalog.list_products),
    ("GET", _PRODUCT, catalog.get_product),
    ("DELETE", _PRODUCT, catalog.delete_product),
    ("GET", f"{_PRODUCT}/pricing-plans", catalog.list_plans),
    ("GET", _PLAN, catalog.get_plan),
    ("DELETE", _PLAN, catalog.delete_plan),
    ("GET", "/checkoutform/{token}", hosted.form_result),
    ("GET", "/subscriptions", life.list_subscriptions),
    ("GET", _ONE, life.get_subscription),
    ("POST", f"{_ONE}/activate", life.activate),
    ("POST", f"{_ONE}/cancel", life.cancel),
    ("GET", "/customers", customers.list_customers),
    ("GET", _CUSTOMER, customers.get_customer),
    ("POST", "/customers/delete/{customer}", customers.delete_customer),
)

ROUTES: Routes = MappingProxyType(
    {
        **{(method, _BASE + path): Route(operation) for method, path, operation in _SENT},
        **{(method, _BASE + path): Route(operation, needs_body=False) for method, path, operation in _BARE},
    }
)
