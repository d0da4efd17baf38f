from infra.gateway.events.routes import router

__all__ = ["router"]
