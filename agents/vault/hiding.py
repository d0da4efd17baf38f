"""Secrets that were loaded while the process ran, kept so that they can be taken out of what it writes."""

import hashlib
import os
from typing import Final

from agents.vault.box import Box, Boxed
from agents.vault.secret import Secret

HIDDEN: Final = "***"
SHORTEST: Final = 6
"""A shorter secret is not searched for: it would blot out words that only look like it."""
_HINT: Final = 3
"""Characters of each secret that stay in clear, so that a text without them costs a search and no decryption."""
_MOST: Final = 10_000


class Hiding:
    """Takes every secret that it was told out of texts. It holds them closed."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._salt = os.urandom(16)
        self._known: dict[bytes, tuple[str, Boxed]] = {}

    def learn(self, secret: Secret) -> None:
        """Hide this one from now on. The oldest is forgotten after some thousands of others."""
        text = secret.reveal()
        if len(text) < SHORTEST:
            return
        mark = hashlib.blake2b(text.encode(), key=self._salt, digest_size=16).digest()
        if mark not in self._known:
            self._known[mark] = (text[:_HINT], self._box.close(secret, mark))
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]

    def hide(self, text: str) -> str:
        """The text without them."""
        found = [boxed.open(mark) for mark, (hint, boxed) in self._known.items() if hint in text]
        # Longest first: a secret that begins with another one must not leave its end behind.
        for secret in sorted(found, key=lambda secret: len(secret.reveal()), reverse=True):
            text = text.replace(secret.reveal(), HIDDEN)
            secret.wipe()
        return text
