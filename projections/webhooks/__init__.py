from projections.webhooks.write import WEBHOOKS

__all__ = ["WEBHOOKS"]
