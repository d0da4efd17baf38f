"""Calls of providers to us: what a connector makes of one, purely, from the bytes that came."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from pydantic import SecretStr

from providers.connection_settings import ConnectionSettings
from schemas.base import Frozen
from schemas.payments.notices import ProviderState
from schemas.webhooks import Verified

Why = Literal["missing", "malformed", "too_old", "from_the_future", "wrong", "wrong_environment"]

_TOKEN: Final = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that is not taken. The word is for operators: whoever called is told no more than that it was refused.

    Attributes:
        why: `too_old` and `from_the_future` are said only of what is rightly signed: a repeat, or a wrong clock;
            so is `wrong_environment`: a test's call on an account of real money, or the other way round.
    """

    why: Why


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document that a call is verified by, as it was fetched at its provider's own address.

    Attributes:
        address: where, as `Webhooks.needs` named it.
        body: the exact bytes.
        roots: certificates (PEM) of the authorities that the hub trusts; what chains to none of them proves nothing.
    """

    address: str = field(repr=False)
    body: bytes = field(repr=False)
    roots: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to us, and what it is judged by.

    Attributes:
        headers: as received, names in any case.
        body: the exact bytes.
        credentials: the account's live sets of secrets, the newest first.
        arrived_at: UTC; ages are judged by it.
        settings: the account's, such as our number at the provider.
        environment: the account's, `production` or `sandbox`.
        fetched: what `Webhooks.needs` asked for.
        vouched: the place among `credentials` of those for which the provider itself said that it made this call, these
            bytes under these headers; there is no document then.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    credentials: Sequence[Mapping[str, SecretStr]] = field(repr=False)
    arrived_at: datetime
    settings: ConnectionSettings
    environment: str = "production"
    fetched: Fetched | None = None
    vouched: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a verified call says, in the hub's words. A hint: the payment is asked for, never taken from here.

    Attributes:
        event_id: unique to the event at this account; repeats of the call carry the same one.
        event_type: the provider's word for what happened.
        our_reference: the reference that we sent with an attempt, by which the payment is found.
        provider_reference: the provider's own id of the payment.
        said: how the payment is said to stand; `None` where the call is about something else, or the word is not known.
        about: a payment, or a resource: then `provider_reference` is the provider's own id of that.
        order_reference: the provider's own id of the charge, of a subscription or on a link, that it is about.
        customer_key: the buyer's key at the provider, under which it keeps the card that was paid with.
        dispute_reference: the provider's own id of a dispute of the payment, which is asked for in the payment's place.
    """

    verified: Verified
    event_id: str
    event_type: str
    our_reference: str | None = None
    provider_reference: str | None = None
    said: ProviderState | None = None
    about: Literal["payment", "resource"] = "payment"
    order_reference: str | None = None
    customer_key: str | None = field(default=None, repr=False)
    dispute_reference: str | None = None


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What the provider wants to hear once its call is kept; anything else makes it call again."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Vouching:
    """How a provider itself is asked whether it made a call, where what the call is verified by cannot be had.

    Attributes:
        read: the connector's read that asks.
        questions: one for each of the call's live sets of secrets, in their order; none about what the provider cannot
            have sent. Pure.
        genuine: whether an answer says yes.
    """

    read: str
    questions: Callable[[Call], Sequence[Frozen]]
    genuine: Callable[[Frozen], bool]


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How a provider calls us.

    Attributes:
        kinds: of calls that are verified and read.
        read: pure, constant in time where secrets are compared; never raises on what a stranger may send.
        taken: the answer to a call that is kept.
        tells_failures_alone: asked about what failed, the provider says that it does not know it, so that its verified
            call is all the word there is; a success that comes later is booked all the same.
        needs: the `https` address of the document that `read` verifies a call by, one of the provider's own addresses
            and of no others, whatever the call says; `None` where it needs none, or names another. Pure. Where the
            document cannot be had in time nothing can be said of the call, and they should call again.
        vouched_by: before that, the provider's own word on the call; `None` where it gives none.
    """

    kinds: tuple[str, ...]
    read: Callable[[Call], Notice | Refused]
    taken: CallAnswer = field(default_factory=CallAnswer)
    tells_failures_alone: bool = False
    needs: Callable[[Call], str | None] | None = None
    vouched_by: Vouching | None = None


def named(value: object) -> str | None:
    """A name out of a call as the hub keeps names, printable ASCII without blanks; `None` for anything else."""
    text = value if isinstance(value, str) else ""
    return text if _TOKEN.fullmatch(text) else None
