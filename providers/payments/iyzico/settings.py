"""What may be set for an account at iyzico."""

from typing import Annotated

from pydantic import Field

from providers.connection_settings import ConnectionSettings


class IyzicoSettings(ConnectionSettings):
    """`merchant_id` is the account's number in their panel; notices of subscriptions are signed with it."""

    merchant_id: Annotated[str | None, Field(min_length=1, max_length=50, pattern=r"^[0-9A-Za-z-]+$")] = None
