from infra.migrations.history import HISTORIES, History

__all__ = ["HISTORIES", "History"]
