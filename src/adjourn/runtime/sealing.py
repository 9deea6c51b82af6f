"""Encryption of what people wrote: AES-256-GCM with keys derived from one outside the database."""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adjourn.core.errors import BadConfig

_NONCE: Final = 12
_SHORTEST_KEY: Final = 32


class Seal:
    """Seals texts for one purpose; each is bound to what it belongs to."""

    def __init__(self, key: bytes, purpose: bytes) -> None:
        self._cipher = AESGCM(derived(key, purpose))

    def close(self, text: str, belongs_to: bytes) -> bytes:
        """Return a text encrypted; an empty one stays empty."""
        if not text:
            return b""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode("utf-8", "replace"), belongs_to)

    def open(self, sealed: bytes, belongs_to: bytes) -> str | None:
        """Return the text; None if the key is another one, or something was changed."""
        if not sealed:
            return ""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], belongs_to).decode()
        except InvalidTag:
            return None


def derived(key: bytes, purpose: bytes) -> bytes:
    """Return a key for one purpose (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)


def read_key(file: Path) -> bytes:
    """Return the key of a file; a file that is not there is made, for this user alone.

    Raises:
        BadConfig: It cannot be read or made, or is too short.
    """
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(os.urandom(_SHORTEST_KEY))
        key = file.read_bytes()
    except OSError as error:
        raise BadConfig(
            f"cannot be read ({error.strerror})", file=str(file), key="appeals.key_file"
        ) from None
    if len(key) < _SHORTEST_KEY:
        raise BadConfig(
            f"has {len(key)} bytes",
            file=str(file),
            key="appeals.key_file",
            hint="remove it, and a new one is made; links given out before stop working",
        )
    return key
