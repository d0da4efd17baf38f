"""The served paths: what each performs, which fields its answer signs, and whether it excludes itself."""

import sqlite3
from types import MappingProxyType

from infra.sandbox.iyzico import (
    bins,
    card_storage,
    day_report,
    hosted,
    line_approval,
    links,
    settlement,
    sub_merchants,
    three_ds,
)
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.payments import capture, charge, detail, hold
from infra.sandbox.iyzico.refunds import cancel, refund_amount, refund_line
from infra.sandbox.iyzico.reporting import payment_details
from infra.sandbox.iyzico.route import Route, Routes
from infra.sandbox.iyzico.signing import (
    HOSTED_RESULT_ORDER,
    HOSTED_START_ORDER,
    PAYMENT_ORDER,
    REFUND_ORDER,
    THREE_DS_START_ORDER,
)
from infra.sandbox.iyzico.subscriptions import routes as subscriptions


def _alive(_connection: sqlite3.Connection, _call: Call) -> Result:
    return {}


def _check_bin(_connection: sqlite3.Connection, call: Call) -> Result:
    return bins.check_bin(call.body)


def _installments(_connection: sqlite3.Connection, call: Call) -> Result:
    return bins.installment_table(call.body)


def _add_card(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.add_card(connection, call.body, call.now_ms)


def _list_cards(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.list_cards(connection, call.body)


def _delete_card(connection: sqlite3.Connection, call: Call) -> Result:
    return card_storage.delete_card(connection, call.body)


ALIVE = ("GET", "/payment/test")

_FORM = "/payment/iyzipos/checkoutform"
_HOSTED: Routes = MappingProxyType(
    {
        ("POST", f"{_FORM}/initialize/auth/ecom"): Route(hosted.start, HOSTED_START_ORDER, creates=True),
        ("POST", f"{_FORM}/initialize/ecom"): Route(hosted.start, HOSTED_START_ORDER, creates=True),
        ("POST", f"{_FORM}/initialize/preauth/ecom"): Route(hosted.start_hold, HOSTED_START_ORDER, creates=True),
        ("POST", "/payment/pay-with-iyzico/initialize"): Route(hosted.start_wallet, HOSTED_START_ORDER, creates=True),
        # Some clients end this path with a slash, and sign it so.
        ("POST", f"{_FORM}/auth/ecom/detail"): Route(hosted.result, HOSTED_RESULT_ORDER),
        ("POST", f"{_FORM}/auth/ecom/detail/"): Route(hosted.result, HOSTED_RESULT_ORDER),
    }
)

_MARKETPLACE: Routes = MappingProxyType(
    {
        ("POST", "/onboarding/submerchant"): Route(sub_merchants.create),
        ("PUT", "/onboarding/submerchant"): Route(sub_merchants.update),
        ("POST", "/onboarding/submerchant/detail"): Route(sub_merchants.retrieve),
        ("POST", "/payment/iyzipos/item/approve"): Route(line_approval.approve),
        ("POST", "/payment/iyzipos/item/disapprove"): Route(line_approval.disapprove),
        ("PUT", "/payment/item"): Route(line_approval.change_share),
        ("POST", "/reporting/settlement/payoutcompleted"): Route(settlement.completed),
        ("POST", "/reporting/settlement/bounced"): Route(settlement.bounced),
        ("POST", "/crossbooking/send"): Route(settlement.send),
        ("POST", "/crossbooking/receive"): Route(settlement.receive),
    }
)

_LINK = "/v2/iyzilink/products"
_LINKS: Routes = MappingProxyType(
    {
        ("POST", _LINK): Route(links.create),
        ("POST", "/v2/iyzilink/fast-link/products"): Route(links.create),
        ("GET", _LINK): Route(links.list_links, needs_body=False),
        ("GET", f"{_LINK}/"): Route(links.list_links, needs_body=False),
        ("GET", f"{_LINK}/{{link}}"): Route(links.get, needs_body=False),
        ("PUT", f"{_LINK}/{{link}}"): Route(links.update),
        ("PATCH", f"{_LINK}/{{link}}/status/{{status}}"): Route(links.set_status, needs_body=False),
        ("DELETE", f"{_LINK}/{{link}}"): Route(links.delete, needs_body=False),
    }
)

ROUTES: Routes = MappingProxyType(
    {
        ALIVE: Route(_alive, needs_body=False),
        ("POST", "/payment/auth"): Route(charge, PAYMENT_ORDER, creates=True),
        ("POST", "/payment/preauth"): Route(hold, PAYMENT_ORDER, creates=True),
        ("POST", "/payment/postauth"): Route(capture, PAYMENT_ORDER),
        ("POST", "/payment/detail"): Route(detail, PAYMENT_ORDER),
        ("POST", "/payment/3dsecure/initialize"): Route(three_ds.start, THREE_DS_START_ORDER, creates=True),
        ("POST", "/payment/3dsecure/initialize/preauth"): Route(
            three_ds.start_hold, THREE_DS_START_ORDER, creates=True
        ),
        ("POST", "/payment/3dsecure/auth"): Route(three_ds.complete, PAYMENT_ORDER, alone=True),
        ("POST", "/payment/v2/3dsecure/auth"): Route(three_ds.complete_compared, PAYMENT_ORDER, alone=True),
        **_HOSTED,
        **_MARKETPLACE,
        **subscriptions.ROUTES,
        **_LINKS,
        ("POST", "/payment/cancel"): Route(cancel, alone=True),
        ("POST", "/payment/refund"): Route(refund_line, REFUND_ORDER, alone=True),
        ("POST", "/v2/payment/refund"): Route(refund_amount, REFUND_ORDER, alone=True),
        ("POST", "/payment/iyzipos/refund/merchant/charge"): Route(refund_line, alone=True),
        ("GET", "/v2/reporting/payment/details"): Route(payment_details, needs_body=False),
        ("GET", "/v2/reporting/payment/transactions"): Route(day_report.transactions, needs_body=False),
        ("GET", "/v2/reporting/payment/scroll-transactions"): Route(day_report.scroll, needs_body=False),
        ("POST", "/payment/bin/check"): Route(_check_bin),
        ("POST", "/payment/iyzipos/installment"): Route(_installments),
        ("POST", "/cardstorage/card"): Route(_add_card),
        ("POST", "/cardstorage/cards"): Route(_list_cards),
        ("DELETE", "/cardstorage/card"): Route(_delete_card),
    }
)
