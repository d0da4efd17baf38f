from projections.integrations.write import INTEGRATIONS

__all__ = ["INTEGRATIONS"]
