from projections.disputes.write import DISPUTES

__all__ = ["DISPUTES"]
