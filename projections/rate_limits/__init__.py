from projections.rate_limits.write import RATE_LIMITS

__all__ = ["RATE_LIMITS"]
