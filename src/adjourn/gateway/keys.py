"""Gateway keys: clients send the key, the gateway knows only its hash."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

OPEN_TENANT = "open"
"""The tenant of all clients where no keys are configured."""


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """One key: its public id, and the SHA-256 of the secret in hexadecimal.

    A plain hash is enough because keys are random (256 bits), unlike passwords.
    """

    id: str
    sha256: str


class Keyring:
    """All keys that are accepted; an empty ring accepts everybody."""

    def __init__(self, keys: Sequence[GatewayKey]) -> None:
        self._keys = tuple(keys)

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys

    def tenant(self, authorization: str) -> str | None:
        """Return whose key this is; None if it is nobody's. Compares in constant time."""
        if self.is_open:
            return OPEN_TENANT
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.sha256.lower(), digest):
                found = known.id
        return found if scheme.lower() == "bearer" else None
