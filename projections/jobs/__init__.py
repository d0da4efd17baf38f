from projections.jobs.write import JOBS

__all__ = ["JOBS"]
