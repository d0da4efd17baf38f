from schemas.errors import HubError


class LocalStackError(HubError):
    """A part of the local stack cannot be had or does not start; the message says what to do."""
