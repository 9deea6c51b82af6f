"""Signed notes and checkpoints, in the forms of C2SP signed-note and tlog-checkpoint.

A checkpoint says: this log had so many entries, and this was its root. Signed with Ed25519. Any
tool for transparency logs can check it; ours adds a line with the time, so that an entry cannot be
slipped in later with an earlier date.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adjourn.core.errors import BadInput

_ED25519: Final = b"\x01"
_PRIVATE: Final = "PRIVATE+KEY"
_TIME: Final = "adjourn-time "


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A name and a public key."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read a verifier key: ``name+hash+key``.

        Raises:
            BadInput: It is none.
        """
        name, number, key = _parts(text.strip())
        if not name or key[:1] != _ED25519 or len(key) != 33:
            raise BadInput("not an Ed25519 verifier key", hint="it looks like name+12ab34cd+AQ...")
        if _key_hash(name, key[1:]) != number:
            raise BadInput("the verifier key's hash does not fit it", hint="copy it again, whole")
        return cls(name, key[1:])

    def __str__(self) -> str:
        number = _key_hash(self.name, self.public).hex()
        return f"{self.name}+{number}+{_base64(_ED25519 + self.public)}"

    def signed(self, note: str) -> bool:
        """Tell whether a note carries this key's signature."""
        body, _, signatures = note.partition("\n\n")
        for line in signatures.splitlines():
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            if dash != "—" or name != self.name:
                continue
            raw = _bytes(encoded)
            if raw is None or raw[:4] != _key_hash(self.name, self.public):
                continue
            try:
                key = Ed25519PublicKey.from_public_bytes(self.public)
                key.verify(raw[4:], f"{body}\n".encode())
            except (InvalidSignature, ValueError):
                continue
            return True
        return False


@dataclass(frozen=True, slots=True)
class Signer:
    """A name and a private key."""

    name: str
    seed: bytes

    @classmethod
    def new(cls, name: str) -> "Signer":
        """Make a key.

        Raises:
            BadInput: The name is empty, or has spaces or plus signs.
        """
        if not name or set(name) & set("+ \t\n") or not name.isprintable():
            raise BadInput(
                f"{name!r} is no name for a log", hint="use a domain: log.example.org/chat"
            )
        return cls(name, os.urandom(32))

    @classmethod
    def read(cls, file: str) -> "Signer":
        """Read a key file.

        Raises:
            BadInput: It cannot be read, or holds no key.
        """
        try:
            text = Path(file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            message = f"{file}: cannot be read ({reason})"
            raise BadInput(message, hint="make one: adjourn ledger key") from None
        prefix = f"{_PRIVATE}+"
        name, number, key = _parts(text.removeprefix(prefix))
        if not text.startswith(prefix) or key[:1] != _ED25519 or len(key) != 33:
            raise BadInput(f"{file}: holds no signing key", hint="make one: adjourn ledger key")
        signer = cls(name, key[1:])
        if _key_hash(name, signer.verifier.public) != number:
            raise BadInput(f"{file}: the key's hash does not fit it", hint="restore the file")
        return signer

    def write(self, file: Path) -> None:
        """Write a key file that only this user may read; an existing one is never overwritten.

        Raises:
            BadInput: It exists, or cannot be written.
        """
        number = _key_hash(self.name, self.verifier.public).hex()
        text = f"{_PRIVATE}+{self.name}+{number}+{_base64(_ED25519 + self.seed)}\n"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(file, flags, 0o600), "w", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            raise BadInput(f"{file}: {error.strerror}", hint="name another file") from None

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, key.public_key().public_bytes_raw())

    def sign(self, body: str) -> str:
        """Return a signed note; the body ends with a newline."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(body.encode())
        encoded = _base64(_key_hash(self.name, self.verifier.public) + signature)
        return f"{body}\n— {self.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was at some time."""

    origin: str
    size: int
    root: bytes
    at_ms: int | None = None
    """When it was signed; None if it does not say."""

    def body(self) -> str:
        """Return the note's text."""
        time = ""
        if self.at_ms is not None:
            moment = datetime.fromtimestamp(self.at_ms / 1000, UTC)
            time = f"{_TIME}{moment.isoformat(timespec='milliseconds')}\n"
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n{time}"


def read_checkpoint(note: str, trusted: Sequence[Verifier] = ()) -> Checkpoint:
    """Read a checkpoint, and check its signature.

    Args:
        note: The signed note.
        trusted: Keys of which one must have signed it; with none, no signature is asked for. A
            key signs for the log of its own name only.

    Raises:
        BadInput: It is none, or none of the keys signed it.
    """
    lines = note.partition("\n\n")[0].splitlines()
    root = _bytes(lines[2]) if len(lines) > 2 else None
    if root is None or len(root) != 32 or not _is_size(lines[1]):
        raise BadInput("not a checkpoint", hint="it begins with origin, size, root")
    if trusted and not any(key.name == lines[0] and key.signed(note) for key in trusted):
        raise BadInput("the checkpoint is not signed by a trusted key", hint="check --vkey")
    times = [line.removeprefix(_TIME) for line in lines[3:] if line.startswith(_TIME)]
    try:
        at_ms = round(datetime.fromisoformat(times[0]).timestamp() * 1000) if times else None
    except ValueError:
        raise BadInput("the checkpoint's time is none") from None
    return Checkpoint(lines[0], int(lines[1]), root, at_ms)


def _is_size(text: str) -> bool:
    """Tell whether a text is a number as the form wants it: decimal, without leading zeros."""
    short = len(text) < 19 and text.isascii() and text.isdigit()
    return short and text == str(int(text))


def _parts(text: str) -> tuple[str, bytes, bytes]:
    """Split ``name+hash+key``; what is wrong comes out empty."""
    name, _, rest = text.partition("+")
    number, _, key = rest.partition("+")
    try:
        return name, bytes.fromhex(number), _bytes(key) or b""
    except ValueError:
        return name, b"", b""


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
