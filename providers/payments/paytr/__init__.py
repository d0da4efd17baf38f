from providers.payments.paytr.connector import CONNECTOR

__all__ = ["CONNECTOR"]
