"""How a provider is described: what it can do, how a request is built, how an answer is read. No I/O here.

A connector says *what*; `providers/caller.py` knows *how*. Build and read functions are pure: the same input gives the
same output, with no clock, no fresh id and no network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr

from providers.connection_settings import USUAL, ConnectionSettings
from providers.diagnosis import Trouble
from providers.notices import Webhooks
from providers.outcome import Finding, Outcome, Refusal
from providers.returns import ReturnVerdict
from providers.tokens import Grant
from schemas.base import Frozen
from schemas.integrations import Kind
from schemas.money import Money
from schemas.payments import CreatePayment, Payment, Reason
from schemas.payments.resources import Resource
from schemas.payments.vocabulary import Command

C = TypeVar("C", bound=Command)
R = TypeVar("R", bound="Wire")
Q = TypeVar("Q", bound=Frozen)
A = TypeVar("A", bound=Frozen)


class Unsayable(ValueError):
    """Raised by a build function: the provider has no words for this command, so nothing is sent and nobody retries.

    Attributes:
        reason: what a refusal of the command says.
        detail: a sentence for people that says what to do.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


Credentials = Mapping[str, SecretStr]
"""Secrets by the names the connector declares."""


@dataclass(frozen=True, slots=True)
class LiveCredentials:
    """An account's secrets as they stand.

    Attributes:
        current: what calls are made with.
        retiring: earlier ones that are still good until a rotation's overlap ends; webhooks may be signed with them.
    """

    current: Credentials = field(repr=False)
    retiring: tuple[Credentials, ...] = field(default=(), repr=False)


class Wire(BaseModel):
    """An answer, only the fields we read. Amounts arrive as `Decimal`, read from the JSON text exactly."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request before signing. What it carries does not print: it may hold a card.

    Attributes:
        path: starts with `/`, without the query string.
        template: the path with identifiers replaced by names, for metrics and records.
        body: the exact bytes to send; they are what is signed.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    template: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: the body both as bytes and parsed (`None` when it is not one JSON value).

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    parsed: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Card:
    """A card opened from the vault for one send. It neither prints nor compares."""

    number: SecretStr
    holder: SecretStr
    expiry_month: SecretStr
    expiry_year: SecretStr
    verification_code: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What build and read functions may know of the account that they work for: nothing secret.

    Attributes:
        environment: `production` or `sandbox`, for providers that say in each request which of the two it is.
        base_url: for addresses at the provider that a payer's browser is to open.
    """

    environment: str = "production"
    base_url: str = ""
    settings: ConnectionSettings = USUAL

    @property
    def is_test(self) -> bool:
        return self.environment != "production"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try needs beyond the command.

    Attributes:
        command_id: the command it belongs to.
        number: counts from 1.
        reference: what we call this attempt towards the provider; unique, stored before anything is sent.
        payment: the payment as the ledger knows it.
        amount: what is to be moved, worked out by the hub (a full refund has been turned into its amount).
        card: only for `card_ref`, and only for the send itself.
        resource: the resource as the ledger knows it, for commands about one; `payment` is then one that never was.
        account: set by the call machinery, for whomever it prepares and judges.
    """

    command_id: UUID
    number: int
    reference: str
    payment: Payment
    amount: Money | None = None
    card: Card | None = None
    resource: Resource | None = None
    account: Account = field(default_factory=Account)


@dataclass(frozen=True, slots=True)
class Inquiry(Generic[C, R]):
    """How to find out what became of an attempt whose outcome is not known.

    Attributes:
        limited_as: the operation whose rate limit it counts against; empty when it has none.
    """

    build: Callable[[C, Attempt], Request]
    reply: type[R]
    read: Callable[[R, C, Attempt], Finding]
    deadline_s: float = 15
    limited_as: str = ""


@dataclass(frozen=True, slots=True)
class Operation(Generic[C, R]):
    """One command type at one provider.

    Attributes:
        name: the metrics' and breakers' word for it, such as `create`.
        deadline_s: from the first byte out to the last byte in.
        repeatable_for_s: how long after the first send the provider answers a repeated request with the first result,
            by its own documents; `None` when it promises nothing, and then an unknown outcome is only asked about.
        absence_window_s: how long "not found" proves nothing, counted from the send.
        resend_after_absence_s: after how long an absent attempt is sent again; `None`: never. A residual risk, to be
            listed in the provider's README.
        moves_money: false for operations that may be repeated freely.
        no_content: what `read` is given for an HTTP 204 without a body, where that is the provider's documented yes;
            `None` where an empty answer says nothing.
        awaits_completion: of a creation: what is pending for its payer moves nothing, however it is paid, before a
            `CompleteThreeDSecure`; false where the provider's page completes the payment itself.
        read_page: where the answer may be an HTML page for the payer's browser: its text to an outcome, by the rule
            of `read`. `None`: HTML is never understood.
    """

    name: str
    command: type[C]
    build: Callable[[C, Attempt], Request]
    reply: type[R]
    read: Callable[[R, C, Attempt], Outcome]
    deadline_s: float
    inquiry: Inquiry[C, Any] | None = None
    repeatable_for_s: float | None = None
    absence_window_s: float = 600
    resend_after_absence_s: float | None = None
    moves_money: bool = True
    no_content: R | None = None
    awaits_completion: bool = False
    read_page: Callable[[str, C, Attempt], Outcome] | None = None


@dataclass(frozen=True, slots=True)
class ReferenceFormat:
    """What the provider allows in a merchant's reference."""

    alphabet: Literal["hex", "alphanumeric"] = "alphanumeric"
    max_length: int = 64


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `calls` in `per_s` seconds, by the provider's documents."""

    calls: int
    per_s: float


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What an answer's headers say of the rate limit that its request counted against; `None` where they are silent.

    Attributes:
        limit: calls in the provider's window.
        remaining: calls that are left of them.
        reset_s: after how many seconds the count begins anew.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Read(Generic[Q, R, A]):
    """A question that moves nothing and whose answer stays good for a while, so that it may be kept.

    Neither question nor answer holds a secret or a person: answers may lie in Redis as they are.

    Attributes:
        name: such as `bin`; part of the key that an answer is kept under.
        ttl_s: how long an answer is good; 0 for one that is true only when it is given: it is never kept, nor shared by
            those who ask at one time.
        limited_as: the operation whose rate limit it counts against; empty when it has one of its own, or none.
    """

    name: str
    question: type[Q]
    answer: type[A]
    build: Callable[[Q], Request]
    reply: type[R]
    read: Callable[[R, Q], A | Refusal]
    ttl_s: float
    deadline_s: float = 10
    limited_as: str = ""


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """A harmless authenticated call; `read` returns `None` when all is well, else what is not.

    `read` sees the environment and the secrets too: some keys tell by themselves where they belong.
    """

    request: Request
    read: Callable[[Answer, str, Credentials], Trouble | None]


def bearer(token: SecretStr) -> Mapping[str, str]:
    """The header by which most providers want a token (RFC 6750, 2.1)."""
    return {"Authorization": f"Bearer {token.get_secret_value()}"}


@dataclass(frozen=True, slots=True)
class TokenRequest(Generic[R]):
    """How an account is given the access token that its calls carry: one request, signed with its own secrets.

    Attributes:
        sign: headers that authenticate this request, as `Connector.sign` does for the others.
        read: the token, or the provider's no to the account's keys.
        carry: headers by which a call carries the token, beside those of `Connector.sign`.
    """

    request: Request
    sign: Callable[[Request, Credentials, str], Mapping[str, str]]
    reply: type[R]
    read: Callable[[R], Grant | Refusal]
    carry: Callable[[SecretStr], Mapping[str, str]] = bearer
    deadline_s: float = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Everything the hub knows about one provider.

    Attributes:
        version: of the provider's interface, in its own words.
        base_urls: by environment, `production` and `sandbox`.
        credentials: names of the secrets it needs.
        sign: headers that authenticate one request, from the request, the secrets and a fresh nonce.
        signs_body: whether `sign` covers the body's exact bytes; it does not where a key alone says who calls.
        sign_form: fields that join a form when it is sent, for providers that want account and signature in there.
        verify: a sentence that says why an answer cannot be trusted, or `None`; it sees the exact parsed values.
        personal: names of JSON fields in requests and answers that hold personal data; the scrubber hides their values.
        secret: names of JSON fields that hold secrets or card data.
        reads: questions whose answers may be kept.
        settings: what may be set for an account beside its secrets.
        webhooks: how it calls us; `None` where it does not, or nothing here understands it.
        read_limits: what an answer's headers say of the rate limit, for providers that tell (`limit_headers.py`).
        frame: what its reply models read of an answer's status and headers, under names that join the body's own.
        returns: what the fields that a payer's browser brought back come to, by any live set of secrets; pure. `None`
            where they are not signed, so that only the provider's answer tells.
        page_life_s: how long its page for the payer is open, in seconds; 0 where it has none.
        token: how it gives access tokens; `None` where calls carry none. The machinery asks once for all calls of an
            account, keeps the token for its time, and asks anew after an HTTP 401.
        environment_of: the environment that an account's secrets are for, where they tell; nothing is sent with secrets
            of the other one. `None` where they never tell.
    """

    name: str
    kind: Kind
    base_urls: Mapping[str, str]
    credentials: tuple[str, ...]
    sign: Callable[[Request, Credentials, str], Mapping[str, str]]
    verify: Callable[[Request, Answer, Credentials], str | None]
    operations: tuple[Operation[Any, Any], ...]
    probe: HealthProbe
    version: str = "1"
    signs_body: bool = True
    sign_form: Callable[[Request, Credentials], Mapping[str, str]] | None = None
    settings: type[ConnectionSettings] = ConnectionSettings
    webhooks: Webhooks | None = None
    reference: ReferenceFormat = field(default_factory=ReferenceFormat)
    rate_limits: Mapping[str, RateLimit] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    personal: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    reads: tuple[Read[Any, Any, Any], ...] = ()
    read_limits: Callable[[Answer], LimitReading | None] | None = None
    frame: Callable[[Answer], Mapping[str, Any]] | None = None
    returns: Callable[[Mapping[str, str], Sequence[Credentials]], ReturnVerdict] | None = None
    page_life_s: float = 0.0
    token: TokenRequest[Any] | None = None
    environment_of: Callable[[Credentials], str | None] | None = None

    @property
    def environments(self) -> tuple[str, ...]:
        """Those that the provider has an address for."""
        return tuple(self.base_urls)

    @property
    def awaits_completion(self) -> bool:
        """Whether creations that wait for their payer take a completion; see `Operation.awaits_completion`."""
        creation = self.operation_for(CreatePayment)
        return creation is not None and creation.awaits_completion

    def operation_for(self, command: type[Command]) -> Operation[Any, Any] | None:
        return next((operation for operation in self.operations if operation.command is command), None)

    def read_named(self, name: str) -> Read[Any, Any, Any] | None:
        return next((read for read in self.reads if read.name == name), None)


@dataclass(frozen=True, slots=True)
class Integration:
    """One account at one provider.

    Attributes:
        credentials: what calls are made with; a mapping may open its values at each look.
        retiring: earlier credentials that are still good; a webhook may be signed with them.
        revision: of the registry when it was last changed; 0 for an account of the settings. The higher one counts.
        lacks: what keeps it from being called, as a sentence; its commands wait.
    """

    id: str
    connector: Connector
    environment: str
    base_url: str
    credentials: Credentials = field(repr=False)
    retiring: tuple[Credentials, ...] = field(default=(), repr=False)
    settings: ConnectionSettings = USUAL
    revision: int = 0
    lacks: str | None = None

    def seen_by(self, attempt: Attempt) -> Attempt:
        """The attempt as build and read functions see it: with what they may know of this account."""
        return replace(attempt, account=Account(self.environment, self.base_url, self.settings))
