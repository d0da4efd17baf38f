from infra.gateway.commands.routes import router

__all__ = ["router"]
