"""Whether what a browser brought back completes a payment that waits for its payer.

Signed fields say that the payer's bank let the payment through. Unsigned ones say nothing, and complete it where its
provider knows by itself whether the payer agreed: asked to complete what nobody agreed to, it moves nothing and the
payment waits on. So that nobody makes the hub ask without end, that is done a few times for one beginning, and for one
page of returns again only once the last completion was refused.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from infra.gateway.returns.brought import told_once
from infra.gateway.returns.standing import Begun
from infra.gateway.returns.ticket import Proved
from providers.connector import Credentials, Integration
from schemas.errors import HubError
from schemas.ids import derived_id
from schemas.payments import CompleteThreeDSecure, ReturnedField

log = logging.getLogger(__name__)

_PURPOSE: Final = "return-completion/1"
_TRIES: Final = 5
"""As often a payment is completed on unsigned returns; the payer may be sent to the provider's page once more."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The command that a return becomes. However often the same is brought back, it is one and the same."""

    command_id: UUID
    command: CompleteThreeDSecure


class Completing:
    """Looks at what was brought back with the secrets of the account where the payment was started."""

    def __init__(self, integrations: Mapping[str, Integration]) -> None:
        self._integrations = integrations

    def completion(self, came: Proved, begun: Begun, fields: tuple[ReturnedField, ...]) -> Completion | None:
        """`None` where only the provider can tell: the bank said no, another payment is meant, or nothing is signed.

        Except by providers that complete nothing without the payer's yes.
        """
        integration = self._integration(came, begun)
        if integration is None or integration.connector.returns is None or not fields:
            return None
        credentials = _live(integration)
        try:
            verdict = integration.connector.returns(told_once(fields), credentials)
        except HubError as failed:  # secrets that cannot be read now say nothing about what was brought
            log.warning("a return cannot be verified", extra={"integration_id": integration.id, "why": str(failed)})
            return None
        # An earlier start of the same payment may have left a page open somewhere.
        stale = begun.provider_reference is not None and verdict.reference not in {None, begun.provider_reference}
        if not verdict.completes or stale:
            return None
        payment_id = came.ticket.payment_id
        if not verdict.verified:
            if not integration.connector.awaits_completion:
                return None  # whatever its connector makes of unsigned fields: such a payment may complete unasked
            known = begun.provider_reference is not None and verdict.reference == begun.provider_reference
            if not known or begun.completions_refused >= _TRIES:
                return None
            unproved = CompleteThreeDSecure(payment_id=payment_id, integration_id=integration.id)
            return Completion(derived_id(came.ticket.made_ms, _untold(came, begun)), unproved)
        returned = tuple(sorted(fields, key=lambda field: (field.name, field.value)))
        command = CompleteThreeDSecure(payment_id=payment_id, integration_id=integration.id, returned=returned)
        return Completion(derived_id(came.ticket.made_ms, _told(came, command)), command)

    def _integration(self, came: Proved, begun: Begun) -> Integration | None:
        """Where the payment was started; `None` where nobody can say, or the address was made for another one."""
        named = came.ticket.integration_id
        if named is not None and begun.integration_id not in {None, named}:
            return None
        where = named or begun.integration_id
        if where is None and len(self._integrations) == 1:
            (where,) = self._integrations
        return None if where is None else self._integrations.get(where)


def _live(integration: Integration) -> Sequence[Credentials]:
    return tuple(one for one in (integration.credentials, *integration.retiring) if len(one))


def _untold(came: Proved, begun: Begun) -> str:
    """The ticket, and which try it is: nothing of what came with it counts."""
    return f"{_PURPOSE} {came.command_id} unsigned {begun.provider_reference} {begun.completions_refused}"


def _told(came: Proved, command: CompleteThreeDSecure) -> str:
    """The ticket and all that came with it."""
    fields = [(field.name, field.value) for field in command.returned]
    digest = hashlib.sha256(json.dumps([command.integration_id, fields]).encode()).hexdigest()
    return f"{_PURPOSE} {came.command_id} {digest}"
