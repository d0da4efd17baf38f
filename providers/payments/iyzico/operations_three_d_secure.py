"""3-D Secure as operations of the connector."""

from typing import Final

from providers.connector import Inquiry, Operation
from providers.payments.iyzico import three_d_secure
from providers.payments.iyzico.timing import ABSENCE_S, DEADLINE_S
from providers.payments.iyzico.wire import PaymentReply, ThreeDSecureReply
from schemas.payments import CompleteThreeDSecure, StartThreeDSecure

START: Final = Operation(
    name="start_three_d_secure",
    command=StartThreeDSecure,
    build=three_d_secure.build_start,
    reply=ThreeDSecureReply,
    read=three_d_secure.read_start,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(
        three_d_secure.build_start_inquiry, PaymentReply, three_d_secure.read_start_inquiry, limited_as="query"
    ),
    absence_window_s=ABSENCE_S,
)
COMPLETE: Final = Operation(
    name="complete_three_d_secure",
    command=CompleteThreeDSecure,
    build=three_d_secure.build_complete,
    reply=PaymentReply,
    read=three_d_secure.read_complete,
    deadline_s=DEADLINE_S,
    inquiry=Inquiry(
        three_d_secure.build_complete_inquiry, PaymentReply, three_d_secure.read_complete_inquiry, limited_as="query"
    ),
    absence_window_s=ABSENCE_S,
)
