"""How long is waited for iyzico."""

from typing import Final

DEADLINE_S: Final = 30
"""iyzico publishes no limit; clients in the field wait 30 to 60 s."""
ABSENCE_S: Final = 300
"""There is no promise that what was written can be read at once: minutes, by what others met."""
