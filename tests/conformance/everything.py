"""All that every provider's pure functions make of fixed input, as text: whoever runs it must get the same.

`python -m tests.conformance.everything` prints it, for a process of another locale, time zone and hash seed.
"""

import json
import locale
import sys
from collections.abc import Callable
from typing import Any

from providers.authenticating import authenticate
from providers.caller import Caller
from providers.connector import Connector
from providers.registry import connectors
from schemas.errors import HubError
from tests.conformance.calls import sample_calls
from tests.conformance.read_samples import read_samples
from tests.conformance.samples import an_integration, attempt_for, command_for, samples


def everything() -> dict[str, str]:
    """Requests as they are built, digested and signed; answers, reads and calls as they are understood."""
    said: dict[str, str] = {}
    for connector in connectors().values():
        said |= _requests(connector)
    for sample in samples():
        said[f"{sample.provider}/{sample.name}"] = _told(sample.read)
    for read in read_samples():
        said[f"{read.connector.name}/read {read.name}"] = _told(read.judge)
    for call in sample_calls():
        said[f"{call.connector.name}/call {call.name}"] = repr(call.read())
    return said


def _requests(connector: Connector) -> dict[str, str]:
    caller = Caller(on_exchange=lambda _: None, on_breaker=lambda _: None)
    integration = an_integration(connector)
    said = {}
    for operation in connector.operations:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        prepared = caller.prepare(integration, operation, command, attempt)
        leaving = authenticate(connector, prepared.request, integration.credentials, "n0nce")
        whole = (prepared.digest, leaving.request.query, leaving.request.body, sorted(leaving.headers.items()))
        said[f"{connector.name}/{operation.name} sent"] = repr(whole)
        if operation.inquiry is not None:
            asked = operation.inquiry.build(command, attempt)
            said[f"{connector.name}/{operation.name} asked"] = repr((asked.path, asked.query, asked.body))
    for read in connector.reads:
        question = next(one.question for one in read_samples() if one.read is read)
        asked = read.build(question)
        said[f"{connector.name}/{read.name} asked"] = repr((asked.path, asked.query, asked.body))
    return said


def _told(judge: Callable[[], Any]) -> str:
    try:
        return repr(judge())
    except HubError as error:
        return repr(error)


if __name__ == "__main__":
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        locale.setlocale(locale.LC_ALL, "C")
    decimal_point = str(locale.localeconv()["decimal_point"])
    json.dump({"decimal_point": decimal_point, "said": everything()}, sys.stdout)
