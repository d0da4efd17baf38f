from projections.payments.write import PAYMENTS

__all__ = ["PAYMENTS"]
