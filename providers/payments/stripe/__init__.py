from providers.payments.stripe.connector import CONNECTOR

__all__ = ["CONNECTOR"]
