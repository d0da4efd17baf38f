from infra.gateway.returns.routes import router

__all__ = ["router"]
