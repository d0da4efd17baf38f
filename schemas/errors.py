"""The errors of the hub. A refusal by a provider is an answer, not an error, and has no class here."""


class HubError(Exception):
    """Root of everything that the hub raises on purpose."""


class UnreadableRecord(HubError):
    """A record that fits no known schema. It goes to the dead letters.

    Attributes:
        reason: a fixed word for programs, such as `not_json` or `invalid_field`.
        field: the dotted path of the offending field, header or key; empty when the whole record is meant.
        detail: a sentence for people that says what to do; never the offending value, which may be secret.
    """

    def __init__(self, reason: str, field: str, detail: str) -> None:
        super().__init__(f"{reason}: {field}: {detail}" if field else f"{reason}: {detail}")
        self.reason = reason
        self.field = field
        self.detail = detail


class ProviderError(HubError):
    """A call that gave no verdict."""

    def __init__(self, message: str, *, provider: str, operation: str, reason: str) -> None:
        super().__init__(message)
        self.provider = provider
        self.operation = operation
        self.reason = reason


class NotSent(ProviderError):
    """Certainly nothing was performed: breaker open, no connection, operation unsupported. May be tried again.

    Attributes:
        retry_after_s: with `breaker_open`, when to come back; each refused call is told a moment of its own.
    """

    def __init__(
        self, message: str, *, provider: str, operation: str, reason: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, provider=provider, operation=operation, reason=reason)
        self.retry_after_s = retry_after_s


class Throttled(ProviderError):
    """They said later, and certainly performed nothing."""

    def __init__(self, message: str, *, provider: str, operation: str, retry_after_s: float | None) -> None:
        super().__init__(message, provider=provider, operation=operation, reason="throttled")
        self.retry_after_s = retry_after_s


class OutcomeUnknown(ProviderError):
    """Sent, and no usable answer came: ask for the status before anything else."""


class StoreError(HubError):
    """PostgreSQL or Kafka failed us: stop, and do not commit the offset."""


class LedgerReplaced(StoreError):
    """The ledger is not the one this process started on (restored, rebuilt or another database): stop at once."""


class SettingsError(HubError):
    """The hub does not start; the message names the setting and what to do."""
