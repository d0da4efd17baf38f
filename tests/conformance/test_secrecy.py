"""What must not be seen is not seen: not in records, errors or logs, not even when the far side repeats it all."""

import json
import logging
import traceback
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote_plus

import pytest
from pydantic import BaseModel, SecretStr

from providers.authenticating import authenticate
from providers.connector import Attempt, Connector
from providers.registry import connectors
from schemas.errors import HubError
from schemas.personal import Personal
from tests.builders import lira
from tests.conformance.far_side import Behaviour, answering, resetting
from tests.conformance.line import Line
from tests.conformance.samples import CARD, COMMAND_ID, a_payment, attempt_for, command_for, with_a_card

SECRET = frozenset({"card_token", "customer_key", "token"})
"""Fields of commands that hold a secret without being personal."""


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
async def test_nothing_secret_surfaces_even_when_the_far_side_repeats_it_all(
    line: Line, connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    """The far side answers with every header and byte it got, once as text, once inside JSON, once inside a failure."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    integration = line.integration(connector)
    hidden = {secret.get_secret_value() for secret in integration.credentials.values()} | {"IYZWSv2"}
    for behaviour, (command, attempt) in product(
        (_repeating("text/plain"), _repeating("application/json"), resetting), _telling(connector)
    ):
        line.behaving(behaviour)
        operation = connector.operation_for(type(command))
        assert operation is not None
        prepared = line.caller.prepare(integration, operation, command, attempt)
        hidden |= {*authenticate(connector, prepared.request, integration.credentials, "n0nce").proofs}
        hidden |= {*_hidden_in(command), *_hidden_in(attempt.card)}
        texts += [repr(prepared), str(prepared)]
        try:
            async with line.caller.admission(integration, operation):
                texts.append(repr(await line.caller.send(prepared, deadline_s=5)))
        except HubError as error:
            texts += [repr(error), "".join(traceback.format_exception(error))]
    assert line.exchanges
    texts += [repr(exchange) + exchange.request_text + exchange.response_text for exchange in line.exchanges]
    texts += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    spelled = {spelling for text in hidden for spelling in (text, json.dumps(text)[1:-1], quote_plus(text))}
    assert [text for text in spelled for shown in texts if text in shown] == []


def _hidden_in(node: Any) -> Iterator[str]:
    """What of a command or card no record may show."""
    if isinstance(node, BaseModel):
        for name, field in type(node).model_fields.items():
            value = getattr(node, name)
            personal = any(isinstance(mark, Personal) for mark in field.metadata)
            if isinstance(value, str) and (personal or name in SECRET):
                yield value
            else:
                yield from _hidden_in(value)
    elif isinstance(node, tuple):
        for item in node:
            yield from _hidden_in(item)
    elif node is CARD:
        yield from (CARD.number.get_secret_value(), CARD.holder.get_secret_value(), CARD.expiry_year.get_secret_value())
        assert isinstance(CARD.verification_code, SecretStr)
        yield f'"{CARD.verification_code.get_secret_value()}"'


def _repeating(content_type: str) -> Behaviour:
    async def answer(far: Any, request: Any) -> Any:
        body = far.received[-1][2] or b"{}"
        heads = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
        if content_type == "text/plain":
            # As an error page would: the body in the middle of other text, cut off before its end.
            text = f"cannot process {heads} {body[:-10].decode()}".encode()
            return await answering(200, text, content_type)(far, request)
        repeated = b',"status":"failure","errorCode":"11","errorMessage":%s}' % json.dumps(heads).encode()
        inside = body[:-1] if body.startswith(b"{") else b'{"form":%s' % json.dumps(body.decode()).encode()
        return await answering(200, inside + repeated, content_type)(far, request)

    return answer


def _telling(connector: Connector) -> list[tuple[Any, Attempt]]:
    """A command of each kind that the connector performs, and one with a card where it takes cards."""
    told: list[tuple[Any, Attempt]] = [
        (command_for(connector, one), attempt_for(connector, one)) for one in connector.operations
    ]
    if "card_ref" in connector.methods:
        told.append((with_a_card(), Attempt(COMMAND_ID, 1, "k0laj0001", a_payment(), lira("12.50"), CARD)))
    return told
