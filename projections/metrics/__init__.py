from projections.metrics.write import METRICS

__all__ = ["METRICS"]
