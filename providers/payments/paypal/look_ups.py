"""A question that moves nothing: whether a call to us is theirs, asked of PayPal itself.

It is the way out where the certificate cannot be had (`webhook.py`). It sees the whole body, costs a call, and is
answered for real events alone: their simulator's are not known to it. Source: README, "Webhooks".
"""

import json
from typing import Final

from providers.connector import Read, Request, Unsayable
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.paypal.errors import meaning_of, not_answered
from providers.payments.paypal.wire import Reply, post
from providers.reading import Unreadable, parse_json
from schemas.base import Frozen
from schemas.payments import Reason
from schemas.verdicts import FailureClass

_PATH: Final = "/v1/notifications/verify-webhook-signature"
_KEPT_S: Final = 60
VERIFIED_CALL: Final = "verified_call"


class CallToVerify(Frozen, extra="forbid"):
    """What came, as it came: the headers by their names, and the body's exact text. It is asked, and not kept."""

    webhook_id: str
    transmission_id: str
    transmission_time: str
    transmission_sig: str
    cert_url: str
    auth_algo: str
    body: str


class CallVerdict(Frozen):
    genuine: bool


class VerificationReply(Reply):
    verification_status: str | None = None


def build_verification(question: CallToVerify) -> Request:
    """The body goes along byte for byte: an event that is written anew is not the one that was signed.

    Raises:
        Unsayable: the body is not one JSON object, and could end the request's own fields.
    """
    try:
        event = parse_json(question.body.encode())
    except (Unreadable, UnicodeEncodeError):
        event = None
    if not isinstance(event, dict):
        raise Unsayable(Reason.INVALID_REQUEST, "the call's body is not one JSON object; it is none of PayPal's")
    fields = question.model_dump(exclude={"body"})
    body = json.dumps(fields, separators=(",", ":"))[:-1] + f',"webhook_event":{question.body}}}'
    request = post(_PATH, {})
    return Request(request.method, request.path, body.encode(), headers=request.headers, template=request.template)


def read_verification(reply: VerificationReply, _question: CallToVerify) -> CallVerdict | Refusal:
    """Raises `UnusableAnswer` where the answer is neither yes nor no."""
    if reply.failed:
        reason, failure = meaning_of(reply.name or reply.error, reply.issues)
        if failure is FailureClass.UNKNOWN:
            raise not_answered(reply)
        return Refusal(reason=reason, failure=failure, detail="PayPal did not verify the call", their_code=reply.word)
    if reply.verification_status not in {"SUCCESS", "FAILURE"}:
        raise UnusableAnswer("verification_status is missing or a word that PayPal's documents do not have")
    return CallVerdict(genuine=reply.verification_status == "SUCCESS")


READS: Final = (
    Read(
        name=VERIFIED_CALL,
        question=CallToVerify,
        answer=CallVerdict,
        build=build_verification,
        reply=VerificationReply,
        read=read_verification,
        ttl_s=_KEPT_S,
    ),
)
