"""Gateway keys: clients send the key, the gateway knows only its hash.

Several keys may have one id, so that a key can be replaced without a moment in which clients are
locked out: the new one is added, clients change over, the old one runs out.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from adjourn.ports import Clock

OPEN_TENANT = "open"
"""The tenant of all clients where no keys are configured."""


class KeyScope(StrEnum):
    """What a key is good for."""

    PROXY = "proxy"
    """Talking to the model, under ``/v1/``."""
    CONSOLE = "console"
    """Reading the console."""
    REPORT = "report"
    """Reading the metrics."""


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """One key: its public id, and the SHA-256 of the secret in hexadecimal.

    A plain hash is enough because keys are random (256 bits), unlike passwords.
    """

    id: str
    sha256: str
    scopes: frozenset[KeyScope] = frozenset({KeyScope.PROXY})
    ends_ms: int | None = None
    """From when on it is not accepted any more, milliseconds since the Unix epoch."""


class Keyring:
    """All keys that are accepted; an empty ring accepts everybody."""

    def __init__(self, keys: Sequence[GatewayKey], clock: Clock) -> None:
        self._clock = clock
        self.replace(keys)

    def replace(self, keys: Sequence[GatewayKey]) -> None:
        """Accept these keys from now on, and no others."""
        self._keys = tuple((bytes.fromhex(key.sha256), key) for key in keys)

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys

    def tenant(self, authorization: str, scope: KeyScope = KeyScope.PROXY) -> str | None:
        """Return whose key this is; None if it is nobody's, not for this, or has run out.

        Every key is compared, each in constant time: how long it takes tells nothing of the keys.
        """
        if self.is_open:
            return OPEN_TENANT
        word, _, secret = authorization.partition(" ")
        digest = hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, key in self._keys:
            if hmac.compare_digest(known, digest):
                found = key
        if found is None or word.lower() != "bearer" or scope not in found.scopes:
            return None
        if found.ends_ms is not None and self._clock.now_ms() >= found.ends_ms:
            return None
        return found.id
