"""The operations about a payment."""

from typing import Any, Final

from providers.connector import Inquiry, Operation
from providers.payments.paypal import cancel, capture, complete, create, order, query, reauthorize, refund
from providers.payments.paypal.order import Movement, OrderReply
from providers.payments.paypal.timing import ABSENCE_S, DEADLINE_S, ORDERS_S, PAYMENTS_S, QUESTION_S
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    ReauthorizePayment,
    RefundPayment,
    StartThreeDSecure,
)

_CREATE: Final = Operation(
    name="create",
    command=CreatePayment,
    build=create.build_create,
    reply=OrderReply,
    read=create.read_create,
    deadline_s=DEADLINE_S,
    repeatable_for_s=ORDERS_S,
    absence_window_s=ABSENCE_S,
    awaits_completion=True,
)
_START: Final = Operation(
    name="start_three_d_secure",
    command=StartThreeDSecure,
    build=create.build_create,
    reply=OrderReply,
    read=create.read_create,
    deadline_s=DEADLINE_S,
    repeatable_for_s=ORDERS_S,
    absence_window_s=ABSENCE_S,
)
_COMPLETE: Final = Operation(
    name="complete_three_d_secure",
    command=CompleteThreeDSecure,
    build=complete.build_complete,
    reply=OrderReply,
    read=complete.read_complete,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(order.ask_about, OrderReply, complete.read_complete_inquiry, QUESTION_S),
    repeatable_for_s=ORDERS_S,
    absence_window_s=ABSENCE_S,
)
_CAPTURE: Final = Operation(
    name="capture",
    command=CapturePayment,
    build=capture.build_capture,
    reply=Movement,
    read=capture.read_capture,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(order.ask_about, OrderReply, capture.read_capture_inquiry, QUESTION_S),
    repeatable_for_s=PAYMENTS_S,
    absence_window_s=ABSENCE_S,
)
_REAUTHORIZE: Final = Operation(
    name="reauthorize",
    command=ReauthorizePayment,
    build=reauthorize.build_reauthorize,
    reply=Movement,
    read=reauthorize.read_reauthorize,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(order.ask_about, OrderReply, reauthorize.read_reauthorize_inquiry, QUESTION_S),
    repeatable_for_s=PAYMENTS_S,
    absence_window_s=ABSENCE_S,
)
_CANCEL: Final = Operation(
    name="cancel",
    command=CancelPayment,
    build=cancel.build_cancel,
    reply=Movement,
    read=cancel.read_cancel,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(order.ask_about, OrderReply, cancel.read_cancel_inquiry, QUESTION_S),
    repeatable_for_s=PAYMENTS_S,
    absence_window_s=ABSENCE_S,
)
_REFUND: Final[Operation[RefundPayment, Movement]] = Operation(
    name="refund",
    command=RefundPayment,
    build=refund.build_refund,
    reply=Movement,
    read=refund.read_refund,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(order.ask_about, OrderReply, refund.read_refund_inquiry, QUESTION_S),
    repeatable_for_s=PAYMENTS_S,
    absence_window_s=ABSENCE_S,
)
_QUERY: Final = Operation(
    name="query",
    command=QueryPayment,
    build=order.ask_about,
    reply=OrderReply,
    read=query.read_query,
    deadline_s=QUESTION_S,
    moves_money=False,
)
PAYMENT_OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (
    _CREATE,
    _START,
    _COMPLETE,
    _CAPTURE,
    _REAUTHORIZE,
    _CANCEL,
    _REFUND,
    _QUERY,
)
