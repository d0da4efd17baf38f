from projections.health.write import HEALTH

__all__ = ["HEALTH"]
