from providers.payments.iyzico.connector import CONNECTOR

__all__ = ["CONNECTOR"]
