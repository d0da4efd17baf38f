"""How long a payment waits for its payer before the hub asks the provider and gives it up. Pure."""

from agents.payments.work import Patience
from providers.connector import Connector
from providers.outcome import Outcome
from schemas.payments import BankTransfer, CreatePayment, Reason, StartThreeDSecure, TransferMoney
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict


def payer_has_s(command: Command, outcome: Outcome, connector: Connector, patience: Patience) -> float | None:
    """Seconds from the conclusion on; `None` where nothing waits for a payer.

    Never less than the provider's page is open or than "not found" proves nothing: nobody can be sure before.
    """
    if not isinstance(command, CreatePayment) or outcome.verdict is not Verdict.PENDING:
        return None
    # What was agreed to at once waits for a completion instead, and no longer.
    to_be_done = outcome.next_action is not None or outcome.redirect_url is not None or outcome.payer_agreed
    if not to_be_done or outcome.reason not in {None, Reason.ACTION_REQUIRED}:
        return None
    by_transfer = isinstance(command.method, BankTransfer) or isinstance(outcome.next_action, TransferMoney)
    operation = connector.operation_for(type(command))
    return max(
        patience.transfer_abandon_after_s if by_transfer else patience.abandon_after_s,
        0.0 if operation is None else operation.absence_window_s,
        # The page of a start is the payer's bank's.
        0.0 if isinstance(command, StartThreeDSecure) else connector.page_life_s,
    )
