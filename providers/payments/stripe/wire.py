"""The shapes of Stripe's requests and answers: forms with brackets out, JSON in, only what we read.

What decides nothing, such as a card's brand, is read by `text_at`: a strange value there must not cost the outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

from pydantic import StrictInt

from providers.connector import Answer, Request, Wire
from providers.notices import named
from providers.outcome import UnusableAnswer

VERSION: Final = "2026-10-28.endive"
"""Sent with each request: without it the account's own default would say how answers look."""
REFERENCE: Final = "kolaj_reference"
"""The name in an object's metadata under which the reference stands that we sent with the attempt."""
PAGE_SIZE: Final = 100
"""Of a list: the most that Stripe gives."""

_HEADERS: Final = (("Accept", "application/json"), ("Stripe-Version", VERSION))


def get(path: str, template: str, query: Iterable[tuple[str, str]] = ()) -> Request:
    return Request("GET", path, query=tuple(query), headers=_HEADERS, template=template)


def post(path: str, template: str, fields: Mapping[str, str | None], key: str) -> Request:
    """A form. Under the same key Stripe answers with the first result, for at least 24 hours."""
    said = ((name, value) for name, value in fields.items() if value is not None)
    # Brackets stand as they are, as in Stripe's own libraries, so that names can be told apart in records.
    body = "&".join(f"{quote_plus(name, safe='[]')}={quote_plus(value)}" for name, value in said)
    form = ("Content-Type", "application/x-www-form-urlencoded")
    return Request(
        "POST", path, body=body.encode(), headers=(*_HEADERS, form, ("Idempotency-Key", key)), template=template
    )


def delete(path: str, template: str, query: Iterable[tuple[str, str]] = ()) -> Request:
    """Stripe takes no idempotency key here: what is gone is gone."""
    return Request("DELETE", path, query=tuple(query), headers=_HEADERS, template=template)


def segment(identifier: str) -> str:
    """An identifier as one piece of a path."""
    return quote(identifier, safe="")


def frame(answer: Answer) -> Mapping[str, Any]:
    """What a reply reads beside the body: some errors are told apart by their status alone."""
    advice = {"true": True, "false": False}.get(answer.headers.get("stripe-should-retry", ""))
    return {
        "http": {
            "status": answer.status,
            "should_retry": advice,
            "request_id": named(answer.headers.get("request-id")),
        }
    }


class Http(Wire):
    """`should_retry` is Stripe's advice on sending the same request under the same key again; `None`: it is silent."""

    status: int
    should_retry: bool | None = None
    request_id: str | None = None


class Failure(Wire):
    """`code` and `decline_code` are for programs, `message` is for people and not read."""

    type: str
    code: str | None = None
    decline_code: str | None = None
    payment_intent: "IntentFields | None" = None

    @property
    def word(self) -> str:
        """The most exact of its codes."""
        return self.decline_code or self.code or self.type


class RedirectTarget(Wire):
    url: str


class NextAction(Wire):
    type: str
    redirect_to_url: RedirectTarget | None = None


class Fields(Wire):
    """What most objects have."""

    id: str | None = None
    object: str | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def our_reference(self) -> str | None:
        return named((self.metadata or {}).get(REFERENCE))

    def require(self, kind: str, identifier: str | None = None) -> str:
        """The object's id.

        Raises:
            UnusableAnswer: it is another kind of object, has no id, or is not the one that was asked about.
        """
        found = named(self.id)
        if self.object != kind or found is None or identifier not in {None, found}:
            raise UnusableAnswer(f"the answer is not the {kind} that it has to be")
        return found

    def require_echo(self, reference: str) -> None:
        """Raises: UnusableAnswer: our reference did not come back."""
        if self.our_reference != reference:
            raise UnusableAnswer(f"metadata has not the {REFERENCE} that was sent")


F = TypeVar("F", bound=Fields)


class IntentFields(Fields):
    """A payment intent."""

    status: str | None = None
    currency: str | None = None
    amount: StrictInt | None = None
    amount_received: StrictInt | None = None
    amount_capturable: StrictInt | None = None
    last_payment_error: Failure | None = None
    next_action: NextAction | None = None
    setup_future_usage: Any = None
    customer: Any = None
    payment_method: Any = None
    latest_charge: Any = None


class Reply(Wire):
    """Any answer: an object, or an error in its place."""

    error: Failure | None = None
    http: Http


class IntentReply(IntentFields, Reply):
    """A payment intent, or an error in its place."""


def id_of(found: Any) -> str | None:
    """The id of an object that is told by its id, or in full."""
    return named(found.get("id") if isinstance(found, dict) else found)


def text_at(node: Any, *path: str) -> str | None:
    """The text at a path of names; `None` for anything else."""
    found = at(node, *path)
    return found if isinstance(found, str) and found else None


def at(node: Any, *path: str) -> Any:
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node


def the_one(found: Sequence[F], reference: str) -> F | None:
    """The object of a list that carries our reference.

    Raises:
        UnusableAnswer: several do.
    """
    ours = [one for one in found if one.our_reference == reference]
    if len(ours) > 1:
        raise UnusableAnswer("several objects carry the reference; which is this one cannot be told")
    return ours[0] if ours else None


Failure.model_rebuild()
