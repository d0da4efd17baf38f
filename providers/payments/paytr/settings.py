"""What may be set for an account at PayTR."""

from typing import Annotated

from pydantic import Field

from providers.connection_settings import ConnectionSettings


class PaytrSettings(ConnectionSettings):
    """`link_callback_url` is where PayTR tells of payments on links: it is named with each link, not in the panel.

    It is the address of this account's webhooks at the hub. PayTR takes neither a port nor this machine in it.
    """

    link_callback_url: Annotated[str | None, Field(max_length=400, pattern=r"^https?://[!-~]+$")] = None
