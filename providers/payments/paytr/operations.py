"""What PayTR performs: each command with how it is built, read, and asked about again."""

from typing import Any, Final

from providers.connector import Inquiry, Operation
from providers.payments.paytr import (
    cancel,
    create,
    links,
    query,
    refund,
    reports,
    stored_cards,
    three_d_secure,
    transfer,
)
from providers.payments.paytr.direct import DirectReply
from providers.payments.paytr.status import StatusReply
from schemas.payments import (
    CancelPayment,
    CreatePayment,
    QueryPayment,
    RefundPayment,
    StartThreeDSecure,
    TransferShare,
)
from schemas.payments.resources import (
    CreateLink,
    DeleteCard,
    DeleteLink,
    ListCards,
    ListPayouts,
    ListTransactions,
    SendLink,
)

_DEADLINE_S: Final = 60
"""For what moves money. PayTR publishes no limit; its samples wait for 20 to 90 s."""
_QUESTION_S: Final = 20
_REPORT_S: Final = 60
_RETURNS_ABSENCE_S: Final = 900
"""How soon a refund stands in an order's status is not documented."""

_CREATION: Final[Inquiry[CreatePayment, StatusReply]] = Inquiry(
    create.build_inquiry, StatusReply, create.read_inquiry, deadline_s=_QUESTION_S, limited_as="query"
)
_START: Final[Inquiry[StartThreeDSecure, StatusReply]] = Inquiry(
    create.build_inquiry, StatusReply, create.read_inquiry, deadline_s=_QUESTION_S, limited_as="query"
)
_REFUNDED: Final[Inquiry[RefundPayment, StatusReply]] = Inquiry(
    refund.build_inquiry, StatusReply, refund.read_inquiry, deadline_s=_QUESTION_S, limited_as="query"
)
_CANCELLED: Final[Inquiry[CancelPayment, StatusReply]] = Inquiry(
    refund.build_inquiry, StatusReply, refund.read_inquiry, deadline_s=_QUESTION_S, limited_as="query"
)

PAYMENTS: Final[tuple[Operation[Any, Any], ...]] = (
    Operation(
        name="create",
        command=CreatePayment,
        build=create.build_create,
        reply=create.CreateReply,
        read=create.read_create,
        deadline_s=_DEADLINE_S,
        inquiry=_CREATION,
        absence_window_s=create.ABSENCE_S,
    ),
    Operation(
        name="start_three_d_secure",
        command=StartThreeDSecure,
        build=three_d_secure.build_start,
        reply=DirectReply,
        read=three_d_secure.read_start,
        read_page=three_d_secure.read_page,
        deadline_s=_DEADLINE_S,
        inquiry=_START,
        absence_window_s=create.ABSENCE_S,
    ),
    Operation(
        name="refund",
        command=RefundPayment,
        build=refund.build_refund,
        reply=refund.RefundReply,
        read=refund.read_refund,
        deadline_s=_DEADLINE_S,
        inquiry=_REFUNDED,
        absence_window_s=_RETURNS_ABSENCE_S,
    ),
    Operation(
        name="cancel",
        command=CancelPayment,
        build=cancel.build_cancel,
        reply=refund.RefundReply,
        read=refund.read_refund,
        deadline_s=_DEADLINE_S,
        inquiry=_CANCELLED,
        absence_window_s=_RETURNS_ABSENCE_S,
    ),
    Operation(
        name="transfer_share",
        command=TransferShare,
        build=transfer.build_transfer,
        reply=transfer.TransferReply,
        read=transfer.read_transfer,
        deadline_s=_DEADLINE_S,
        inquiry=Inquiry(
            transfer.build_inquiry,
            StatusReply,
            transfer.read_inquiry,
            deadline_s=_QUESTION_S,
            limited_as="query",
        ),
        absence_window_s=transfer.ABSENCE_S,
    ),
    Operation(
        name="query",
        command=QueryPayment,
        build=query.build_query,
        reply=StatusReply,
        read=query.read_query,
        deadline_s=_QUESTION_S,
        moves_money=False,
    ),
)

RESOURCES: Final[tuple[Operation[Any, Any], ...]] = (
    Operation(
        name="delete_card",
        command=DeleteCard,
        build=stored_cards.build_delete,
        reply=stored_cards.DeletedReply,
        read=stored_cards.read_delete,
        deadline_s=_QUESTION_S,
        inquiry=Inquiry(
            stored_cards.build_inquiry, stored_cards.CardsReply, stored_cards.read_inquiry, limited_as="list_cards"
        ),
    ),
    Operation(
        name="list_cards",
        command=ListCards,
        build=stored_cards.build_list,
        reply=stored_cards.CardsReply,
        read=stored_cards.read_list,
        deadline_s=_QUESTION_S,
        moves_money=False,
    ),
    Operation(
        name="create_link",
        command=CreateLink,
        build=links.build_create,
        reply=links.LinkReply,
        read=links.read_create,
        deadline_s=_QUESTION_S,
    ),
    Operation(
        name="delete_link",
        command=DeleteLink,
        build=links.build_delete,
        reply=links.LinkReply,
        read=links.read_done,
        deadline_s=_QUESTION_S,
    ),
    Operation(
        name="send_link",
        command=SendLink,
        build=links.build_send,
        reply=links.LinkReply,
        read=links.read_done,
        deadline_s=_QUESTION_S,
    ),
    Operation(
        name="list_transactions",
        command=ListTransactions,
        build=reports.build_transactions,
        reply=reports.ReportReply,
        read=reports.read_transactions,
        deadline_s=_REPORT_S,
        moves_money=False,
    ),
    Operation(
        name="list_payouts",
        command=ListPayouts,
        build=reports.build_payouts,
        reply=reports.ReportReply,
        read=reports.read_payouts,
        deadline_s=_REPORT_S,
        moves_money=False,
    ),
)
