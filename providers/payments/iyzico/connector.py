"""iyzico, card payments for Türkiye. Its documents, quirks and residual risks: README.md beside this file."""

from typing import Final

from providers.connector import Connector, HealthProbe, Inquiry, Operation, RateLimit, ReferenceFormat
from providers.payments.iyzico import cancel, capture, create, query, refund, reporting
from providers.payments.iyzico.health import read_health
from providers.payments.iyzico.look_ups import READS
from providers.payments.iyzico.operations_resource import (
    RESOURCE_LIMITS,
    RESOURCE_OPERATIONS,
    RESOURCE_PERSONAL,
)
from providers.payments.iyzico.operations_three_d_secure import COMPLETE, START
from providers.payments.iyzico.page_time import PAGE_LIFE_S
from providers.payments.iyzico.returned import read_return
from providers.payments.iyzico.settings import IyzicoSettings
from providers.payments.iyzico.signing import sign, verify
from providers.payments.iyzico.timing import ABSENCE_S, DEADLINE_S
from providers.payments.iyzico.webhook import WEBHOOKS
from providers.payments.iyzico.wire import MovedReply, PageReply, PaymentReply, StandingReply, get
from schemas.payments import CancelPayment, CapturePayment, CreatePayment, QueryPayment, RefundPayment

_MINUTE_S: Final = 60

_CANCEL_REPORT: Final[Inquiry[CancelPayment, reporting.Report]] = Inquiry(
    reporting.build_inquiry, reporting.Report, reporting.read_inquiry, limited_as="query"
)
_REFUND_REPORT: Final[Inquiry[RefundPayment, reporting.Report]] = Inquiry(
    reporting.build_inquiry, reporting.Report, reporting.read_inquiry, limited_as="query"
)

_CREATE: Final = Operation(
    name="create",
    command=CreatePayment,
    build=create.build_create,
    reply=PageReply,
    read=create.read_create,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(create.build_inquiry, PageReply, create.read_inquiry, limited_as="query"),
    absence_window_s=ABSENCE_S,
)
_CAPTURE: Final = Operation(
    name="capture",
    command=CapturePayment,
    build=capture.build_capture,
    reply=PaymentReply,
    read=capture.read_capture,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(capture.build_inquiry, PaymentReply, capture.read_inquiry, limited_as="query"),
    absence_window_s=ABSENCE_S,
)
_CANCEL: Final = Operation(
    name="cancel",
    command=CancelPayment,
    build=cancel.build_cancel,
    reply=MovedReply,
    read=cancel.read_cancel,
    deadline_s=DEADLINE_S,
    inquiry=_CANCEL_REPORT,
    absence_window_s=ABSENCE_S,
)
_REFUND: Final = Operation(
    name="refund",
    command=RefundPayment,
    build=refund.build_refund,
    reply=MovedReply,
    read=refund.read_refund,
    deadline_s=DEADLINE_S,
    inquiry=_REFUND_REPORT,
    absence_window_s=ABSENCE_S,
)
_QUERY: Final = Operation(
    name="query",
    command=QueryPayment,
    build=query.build_query,
    reply=StandingReply,
    read=query.read_query,
    deadline_s=15,
    moves_money=False,
)


CONNECTOR = Connector(
    name="iyzico",
    kind="payment",
    version="2",
    base_urls={"production": "https://api.iyzipay.com", "sandbox": "https://sandbox-api.iyzipay.com"},
    credentials=("api_key", "secret_key"),
    sign=sign,
    verify=verify,
    operations=(_CREATE, _CAPTURE, _CANCEL, _REFUND, _QUERY, START, COMPLETE, *RESOURCE_OPERATIONS),
    reads=READS,
    settings=IyzicoSettings,
    webhooks=WEBHOOKS,
    returns=read_return,
    page_life_s=PAGE_LIFE_S,
    probe=HealthProbe(get("/payment/test"), read_health),
    reference=ReferenceFormat("alphanumeric", 64),
    # The two language versions of their page disagree; these are the lower numbers.
    rate_limits={
        **{
            name: RateLimit(50, _MINUTE_S)
            for name in ("create", "query", "refund", "cancel", START.name, COMPLETE.name)
        },
        **RESOURCE_LIMITS,
    },
    methods=("stored_card", "card_ref", "hosted_page", "bank_transfer", "wallet"),
    personal=frozenset(
        {
            "address",
            "billingAddress",
            "buyer",
            "buyerId",
            "city",
            "contactName",
            "description",
            "email",
            "gsmNumber",
            "identityNumber",
            "ip",
            "memberEmail",
            "memberGsmNumber",
            "name",
            "registrationAddress",
            "shippingAddress",
            "surname",
            "zipCode",
        }
    )
    | RESOURCE_PERSONAL,
    secret=frozenset(
        {
            "apiKey",
            "callbackUrl",
            "cardAlias",
            "cardHolderName",
            "cardNumber",
            "cardToken",
            "cardUserKey",
            "checkoutFormContent",
            "conversationData",
            "cvc",
            "expireMonth",
            "expireYear",
            "payWithIyzicoPageUrl",
            "paymentCard",
            "paymentPageUrl",
            "secretKey",
            "signature",
            "threeDSHtmlContent",
            "token",
        }
    ),
)
