from infra.local.errors import LocalStackError
from infra.local.stack import LocalStack, embedded_stack, local_stack, running_stack

__all__ = ["LocalStack", "LocalStackError", "embedded_stack", "local_stack", "running_stack"]
