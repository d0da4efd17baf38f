"""Outgoing webhooks, as their owners see them: endpoints, their secrets, and what was tried."""

from infra.gateway.subscriptions.routes import router

__all__ = ["router"]
