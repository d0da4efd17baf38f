"""How long PayPal is waited for, and for how long a repeated request id is answered with the first result.

Source: README, "Repeated requests".
"""

from typing import Final

DEADLINE_S: Final = 30
QUESTION_S: Final = 15
_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S
ORDERS_S: Final = 6 * _HOUR_S
PAYMENTS_S: Final = 45 * _DAY_S
BILLING_S: Final = 72 * _HOUR_S
VAULT_S: Final = 3 * _HOUR_S
ABSENCE_S: Final = 600
"""An order tells of its movements at once; beyond the usual caution nothing is documented."""
