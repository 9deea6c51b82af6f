"""Fencing what people wrote off from what a judge is told.

The fence is a line that holds a digest of everything inside it, so nobody can write a text that
contains its own fence. Inside, every message is one line of JSON: a line break in a message is
an escape, so no message can even begin a line.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from adjourn.core.messages import frame
from adjourn.detectors.turns import Turn

_DIGEST_BYTES: Final = 12
"""A text that contains its own digest of 96 bits takes about 2**96 attempts to find."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """Turns between two fences."""

    mark: str
    """The digest, as it stands in both fences."""
    text: str


def fence(turns: Sequence[Turn], salt: str = "") -> Fenced:
    """Return the turns fenced; another salt gives another mark."""
    lines = [msgspec.json.encode({"role": turn.role, "text": turn.text}) for turn in turns]
    digest = hashlib.blake2b(
        frame(b"adjourn fence", salt.encode(), *lines), digest_size=_DIGEST_BYTES
    )
    mark = digest.hexdigest()
    inside = b"\n".join(lines).decode()
    return Fenced(mark, f"<<<{mark}\n{inside}\n{mark}>>>")
