"""What each of a connector's operations, inquiries and reads sends, so that none is left out that is added later."""

from typing import Any

from providers.connector import Connector, Inquiry, Operation, Read, Request
from tests.conformance.read_samples import a_question
from tests.conformance.samples import attempt_for, command_for

ReadBy = Operation[Any, Any] | Inquiry[Any, Any] | Read[Any, Any, Any]


def built_by(connector: Connector) -> dict[str, tuple[Request, ReadBy]]:
    """By name: the request, and who reads its answer."""
    found: dict[str, tuple[Request, ReadBy]] = {}
    for operation in connector.operations:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        found[f"any {operation.name}"] = (operation.build(command, attempt), operation)
        if operation.inquiry is not None:
            found[f"any {operation.name} inquiry"] = (operation.inquiry.build(command, attempt), operation.inquiry)
    return found | {f"read {read.name}": (read.build(a_question(connector, read)), read) for read in connector.reads}
