"""What each of a connector's operations and inquiries sends, so that none is left out that is added later."""

from typing import Any

from providers.connector import Connector, Inquiry, Operation, Request
from tests.conformance.samples import attempt_for, command_for

ReadBy = Operation[Any, Any] | Inquiry[Any, Any]


def built_by(connector: Connector) -> dict[str, tuple[Request, ReadBy]]:
    """By name: the request, and who reads its answer."""
    found: dict[str, tuple[Request, ReadBy]] = {}
    for operation in connector.operations:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        found[f"any {operation.name}"] = (operation.build(command, attempt), operation)
        if operation.inquiry is not None:
            found[f"any {operation.name} inquiry"] = (operation.inquiry.build(command, attempt), operation.inquiry)
    return found
