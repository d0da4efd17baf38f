"""3-D Secure as operations of the connector."""

from typing import Final

from providers.connector import Inquiry, Operation
from providers.payments.iyzico import three_d_secure
from providers.payments.iyzico.wire import PaymentReply, ThreeDSecureReply
from schemas.payments import CompleteThreeDSecure, StartThreeDSecure

_DEADLINE_S: Final = 30
_ABSENCE_S: Final = 300

START: Final = Operation(
    name="start_three_d_secure",
    command=StartThreeDSecure,
    build=three_d_secure.build_start,
    reply=ThreeDSecureReply,
    read=three_d_secure.read_start,
    deadline_s=_DEADLINE_S,
    inquiry=Inquiry(
        three_d_secure.build_start_inquiry, PaymentReply, three_d_secure.read_start_inquiry, limited_as="query"
    ),
    absence_window_s=_ABSENCE_S,
)
COMPLETE: Final = Operation(
    name="complete_three_d_secure",
    command=CompleteThreeDSecure,
    build=three_d_secure.build_complete,
    reply=PaymentReply,
    read=three_d_secure.read_complete,
    deadline_s=_DEADLINE_S,
    inquiry=Inquiry(
        three_d_secure.build_complete_inquiry, PaymentReply, three_d_secure.read_complete_inquiry, limited_as="query"
    ),
    absence_window_s=_ABSENCE_S,
)
