from projections.dead_letters.write import DEAD_LETTERS

__all__ = ["DEAD_LETTERS"]
