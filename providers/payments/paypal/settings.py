"""What may be set for an account at PayPal."""

from providers.connection_settings import ConnectionSettings


class PaypalSettings(ConnectionSettings):
    """`complete_when_approved` lets the hub take or hold the money by itself, once PayPal says that the payer agreed.

    Without it somebody publishes the completion: the hub's page of returns, or whoever sells.
    """

    complete_when_approved: bool = False
