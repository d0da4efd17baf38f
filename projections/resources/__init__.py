from projections.resources.write import RESOURCES

__all__ = ["RESOURCES"]
