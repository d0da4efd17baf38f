"""Payment links: made, sent to a payer, deleted. PayTR cannot be asked about them, so that an answer lost stays open.

Source: README, "Links".
"""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paytr.amounts import currency_word, to_kurus
from providers.payments.paytr.errors import refused_in_words
from providers.payments.paytr.moments import written
from providers.payments.paytr.order import national
from providers.payments.paytr.settings import PaytrSettings
from providers.payments.paytr.wire import Word, post
from schemas.payments import Reason
from schemas.payments.resources import CreateLink, DeleteLink, LinkDetails, SendLink
from schemas.verdicts import Verdict

_MOST_INSTALMENTS: Final = 12


class LinkReply(Wire):
    status: str
    id: Word | None = None
    link: str | None = None
    reason: str | None = None
    err_msg: str | None = None


def build_create(command: CreateLink, attempt: Attempt) -> Request:
    return post(
        "/odeme/api/link/create",
        {
            "name": command.name,
            "price": to_kurus(command.price),
            "currency": currency_word(command.price.currency),
            "max_installment": str(min(command.most_instalments, _MOST_INSTALMENTS)),
            "link_type": command.purpose,
            "lang": command.language,
            **_for_whom(command),
            "expiry_date": None if command.expires_on is None else written(command.expires_on),
            "get_qr": "0",
            "debug_on": "0",
            **_told_to(attempt),
        },
    )


def read_create(reply: LinkReply, _command: CreateLink, _attempt: Attempt) -> Outcome:
    if reply.status != "success":
        return _refused(reply)
    if not reply.id or not reply.link:
        raise UnusableAnswer("id or link is missing in a success")
    try:
        details = LinkDetails(link_reference=reply.id, url=reply.link)
    except ValidationError:
        raise UnusableAnswer("id or link is none that could be given to anybody") from None
    return Outcome(verdict=Verdict.ACCEPTED, reference=reply.id, details=details)


def build_delete(_command: DeleteLink, attempt: Attempt) -> Request:
    return post("/odeme/api/link/delete", {"id": _id_of(attempt), "debug_on": "0"})


def build_send(command: SendLink, attempt: Attempt) -> Request:
    if (command.to_phone is None) == (command.to_email is None):
        raise Unsayable(Reason.INVALID_REQUEST, "PayTR sends a link to one phone or one e-mail address; name one")
    if command.to_phone is not None:
        fields = {"id": _id_of(attempt), "cell_phone": national(command.to_phone), "debug_on": "0"}
        return post("/odeme/api/link/send-sms", fields)
    return post("/odeme/api/link/send-email", {"id": _id_of(attempt), "email": command.to_email, "debug_on": "0"})


def read_done(reply: LinkReply, _command: DeleteLink | SendLink, attempt: Attempt) -> Outcome:
    if reply.status != "success":
        return _refused(reply)
    link = _id_of(attempt)
    return Outcome(verdict=Verdict.ACCEPTED, reference=link, details=LinkDetails(link_reference=link))


def _refused(reply: LinkReply) -> Outcome:
    if reply.status not in {"error", "failed"}:
        raise UnusableAnswer("status is missing or a word that PayTR's documents do not have")
    return refused_in_words(f"{reply.reason} {reply.err_msg}")


def _for_whom(command: CreateLink) -> Mapping[str, str]:
    """A product is sold to whoever comes, as often as there is stock; a sum is collected from one payer."""
    if command.purpose == "product":
        stock = {} if command.stock is None else {"max_count": str(command.stock)}
        return {"min_count": "1", **stock}
    if command.payer_email is None or not command.payer_email.isascii():
        raise Unsayable(Reason.INVALID_REQUEST, "PayTR collects from a payer's e-mail address in ASCII; send one")
    return {"email": command.payer_email}


def _told_to(attempt: Attempt) -> Mapping[str, str]:
    """Payments on it are told under the reference of its making, where somebody listens."""
    settings = attempt.account.settings
    url = settings.link_callback_url if isinstance(settings, PaytrSettings) else None
    return {} if url is None else {"callback_link": url, "callback_id": attempt.reference}


def _id_of(attempt: Attempt) -> str:
    link = None if attempt.resource is None else attempt.resource.provider_reference
    if link is None:
        raise Unsayable(Reason.INVALID_STATE, "PayTR's id of the link is not known; create the link first")
    return link
