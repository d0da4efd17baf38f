"""Pages of theirs on which the payer pays: the checkout form, for cards and bank transfers, and pay with iyzico.

A start moves nothing and is answered with the page's address and a token. The token is what the payment goes by until
somebody has paid: only then does it get an id (`query.py`).

Source: README, "Hosted pages".
"""

from typing import Any, Final

from pydantic import ValidationError

from providers.connector import Attempt, Request, Unsayable
from providers.notices import named
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.iyzico.known import is_payment_id
from providers.payments.iyzico.payment_body import order_of
from providers.payments.iyzico.wire import Envelope, PageReply, post
from schemas.payments import BankTransfer, CreatePayment, HostedPage, Reason, Redirect, Wallet
from schemas.verdicts import FailureClass, Verdict

_FORM: Final = {
    "auto": "/payment/iyzipos/checkoutform/initialize/auth/ecom",
    "manual": "/payment/iyzipos/checkoutform/initialize/preauth/ecom",
}
_WALLET: Final = "/payment/pay-with-iyzico/initialize"
_WALLET_NAME: Final = "iyzico"
_INSTALMENTS: Final = (1, 2, 3, 6, 9, 12)


def lost(reply: Envelope) -> Finding:
    """What an unanswered start comes to. Even one that is performed late moves nothing: its page has no visitor."""
    outcome = Outcome(
        verdict=Verdict.REFUSED,
        reason=Reason.PAGE_LOST,
        failure=FailureClass.TRANSIENT,
        detail="the page's address was lost with the answer: nobody paid on it and nobody can; order another one",
        their_code=reply.error_code,
    )
    return Finding(Sighting.CONCLUDED, outcome)


def is_paid_there(command: CreatePayment) -> bool:
    return isinstance(command.method, HostedPage | BankTransfer | Wallet)


def build_page(command: CreatePayment, attempt: Attempt) -> Request:
    """Raises `Unsayable` for what no page of theirs does."""
    if command.without_payer:
        raise Unsayable(Reason.INVALID_REQUEST, "nobody is there to pay on a page; pay with a stored card")
    if command.instalments > 1:
        detail = "the payer chooses the instalments on the page; say most_instalments instead"
        raise Unsayable(Reason.INSTALMENTS_NOT_PERMITTED, detail)
    path, fields = _way(command)
    return post(path, order_of(command, attempt) | fields)


def read_page(reply: PageReply, command: CreatePayment) -> Outcome:
    """Raises `UnusableAnswer` where there is no page or no token to find the payment by."""
    token = named(reply.token)
    if token is None or is_payment_id(token):
        raise UnusableAnswer("token is missing in a success, or is none")
    url = reply.pay_with_iyzico_page_url if isinstance(command.method, Wallet) else reply.payment_page_url
    if url is None:
        raise UnusableAnswer("the page's address is missing in a success")
    try:
        page = Redirect(url=url)
    except ValidationError:
        raise UnusableAnswer("the page's address is none that a browser should be sent to") from None
    return Outcome(
        verdict=Verdict.PENDING,
        reference=token,
        reason=Reason.ACTION_REQUIRED,
        detail="send the payer to the page",
        redirect_url=page.url,
        next_action=page,
        state=ProviderState.PENDING,
    )


def _way(command: CreatePayment) -> tuple[str, dict[str, Any]]:
    match command.method:
        case HostedPage(return_url=back, most_instalments=most, customer_key=key):
            offered = None if most is None else [number for number in _INSTALMENTS if number <= most]
            fields = {"callbackUrl": back, "cardUserKey": key or command.customer_key, "enabledInstallments": offered}
            return _FORM[command.capture], fields
        case BankTransfer(return_url=back) if command.capture == "auto":
            return _FORM["auto"], {"callbackUrl": back, "enabledInstallments": [1]}
        case Wallet(wallet=wallet, return_url=back) if command.capture == "auto" and wallet == _WALLET_NAME:
            return _WALLET, {"callbackUrl": back}
        case Wallet(wallet=wallet) if wallet != _WALLET_NAME:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"the one wallet here is {_WALLET_NAME}; send it, or a card")
        case _:
            detail = f"{command.method.kind} can be taken and not held; send capture auto, or hosted_page to hold"
            raise Unsayable(Reason.UNSUPPORTED_METHOD, detail)
