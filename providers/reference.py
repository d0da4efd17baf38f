"""The merchant's reference: a function of command, step and attempt, so that a redelivered command repeats it."""

import string
from typing import Final
from uuid import UUID

from providers.connector import ReferenceFormat

_ALPHABETS: Final = {"hex": string.digits + "abcdef", "alphanumeric": string.digits + string.ascii_lowercase}


def reference_for(command_id: UUID, step: str, attempt: int, form: ReferenceFormat) -> str:
    """What we call this attempt towards the provider: letters and digits only, unique to the three arguments.

    Args:
        command_id: the command.
        step: one letter that tells the steps of a command apart.
        attempt: from 1 to 255.
        form: what the provider allows.

    Raises:
        ValueError: the provider's limit cannot hold it, or `step` or `attempt` is out of range.
    """
    if len(step) != 1 or not "a" <= step <= "z" or not 1 <= attempt <= 255:  # noqa: PLR2004 - one byte each
        raise ValueError("step is one letter from a to z, attempt lies between 1 and 255")
    # The identifier, the step and the attempt as one number: nothing is hashed away, so no two can ever collide.
    number = ((command_id.int << 8) | ord(step)) << 8 | attempt
    letters = _ALPHABETS[form.alphabet]
    text = ""
    while number:
        number, digit = divmod(number, len(letters))
        text = letters[digit] + text
    if len(text) > form.max_length:
        raise ValueError(f"a reference has {len(text)} characters, the provider allows {form.max_length}")
    return text
