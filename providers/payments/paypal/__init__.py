from providers.payments.paypal.connector import CONNECTOR

__all__ = ["CONNECTOR"]
