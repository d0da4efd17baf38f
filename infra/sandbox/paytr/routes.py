"""The served paths: what each performs, and how it words a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.sandbox.paytr import card_terms, links, reports, stored_cards, transfers, walking
from infra.sandbox.paytr.call import Operation
from infra.sandbox.paytr.direct import direct
from infra.sandbox.paytr.iframe import get_token
from infra.sandbox.paytr.refunds import refund
from infra.sandbox.paytr.refusing import Wording, as_error, as_link_error, as_payment, as_reason, numbered
from infra.sandbox.paytr.status import status


@dataclass(frozen=True, slots=True)
class Route:
    """One service of the store's server."""

    operation: Operation
    refusal: Wording


_STATUS: Final = numbered("003")
_TRANSFER: Final = numbered("003")

SERVICES: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "/odeme/api/get-token": Route(get_token, as_reason),
        "/odeme": Route(direct, as_payment),
        "/odeme/iade": Route(refund, numbered("004")),
        "/odeme/durum-sorgu": Route(status, _STATUS),
        "/odeme/api/bin-detail": Route(card_terms.bin_detail, as_error),
        "/odeme/taksit-oranlari": Route(card_terms.instalment_rates, as_error),
        "/odeme/capi/list": Route(stored_cards.list_cards, as_error),
        "/odeme/capi/delete": Route(stored_cards.delete_card, as_error),
        "/odeme/api/link/create": Route(links.create_link, as_link_error),
        "/odeme/api/link/delete": Route(links.delete_link, as_link_error),
        "/odeme/api/link/send-sms": Route(links.send_by_sms, as_link_error),
        "/odeme/api/link/send-email": Route(links.send_by_email, as_link_error),
        "/odeme/platform/transfer": Route(transfers.transfer, _TRANSFER),
        "/odeme/geri-donen-transfer": Route(transfers.returned_transfers, _TRANSFER),
        "/odeme/hesaptan-gonder": Route(transfers.resend, _TRANSFER),
        "/rapor/islem-dokumu": Route(reports.transactions, _STATUS),
        "/rapor/odeme-dokumu": Route(reports.payouts, _STATUS),
        "/rapor/odeme-detayi": Route(reports.payout_detail, _STATUS),
    }
)

# By method and all of the path but its last part, which is a token.
PAGES: Final[Mapping[tuple[str, str], Operation]] = MappingProxyType(
    {
        ("GET", "/odeme/guvenli"): walking.show_card_page,
        ("POST", "/odeme/guvenli"): walking.use_card_page,
        ("GET", "/odeme/3d"): walking.show_bank_page,
        ("POST", "/odeme/3d"): walking.use_bank_page,
        ("GET", "/odeme/api"): walking.show_eft_page,
        ("POST", "/odeme/api"): walking.use_eft_page,
        ("GET", "/link"): walking.show_link_page,
        ("POST", "/link"): walking.use_link_page,
    }
)
