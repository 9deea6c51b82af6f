"""Paths that were read before: of the next turn of a conversation, only what is new is read.

What is kept of a history is a keyed digest of its bytes and the nodes it is; nothing that anybody
wrote. It is a memory and nothing else: the path is the one that reading everything gives, and what
is forgotten is read again.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId, Path
from adjourn.wire.transcript import Transcript

MOST_NODES: Final = 300_000
"""Nodes of all kept paths together, each path counting as some more: 27 MB at most."""
_PATH: Final = 5
"""As many nodes' memory a path takes beside its nodes."""
_TURN: Final = 2
"""Items that the next turn of a conversation nearly always has more: an answer and a message."""
_CUTS: Final = 8
"""A history is looked for without its last items, up to so many: an answer and the next message
are two, calls of tools and what they gave one each."""


class Trunk(NamedTuple):
    """The path of a history that was read."""

    path: Path
    messages: int
    """How many the history has, of all roles."""
    last: Role | None
    """The role of the last of them."""


class Trunks:
    """Remembers the paths of histories, those used last."""

    def __init__(self, most_nodes: int = MOST_NODES) -> None:
        self._most_nodes = most_nodes
        self._key = secrets.token_bytes(32)
        """So that a digest tells nobody, who does not have this process, what was written."""
        self._kept: OrderedDict[bytes, Trunk] = OrderedDict()
        self._nodes = 0

    def path(self, root: NodeId, transcript: Transcript) -> Path:
        """Return the path of a request's messages, and read those that were not read before.

        Raises:
            BadRequest: An item is no message.
        """
        items = transcript.items
        most = max(0, len(items) - _TURN)
        hashed = self._begin(root, transcript)
        hashed.update(_bytes_of(items[:most]))
        trunk = self._read_on(transcript, hashed.digest(), most) if most else None
        hashed.update(_bytes_of(items[most:]))
        mark = hashed.digest()
        if trunk is None:
            trunk = self._search(root, transcript, mark) or _read(root, transcript)
        self._keep(mark, trunk)
        return trunk.path

    def _begin(self, root: NodeId, transcript: Transcript) -> hashlib.blake2b:
        """Begin the digest of a history: with all else that its path depends on.

        What follows is a sequence of JSON values, told apart by the commas behind them.
        """
        begins = f"{transcript.form} {root} {len(transcript.lead)},".encode()
        return hashlib.blake2b(begins, digest_size=16, key=self._key)

    def _search(self, root: NodeId, transcript: Transcript, whole: bytes) -> Trunk | None:
        """Read on from the longest history that is known, however much longer this one is.

        Args:
            root: What the path starts from.
            transcript: The history.
            whole: The digest of all of it.
        """
        items = transcript.items
        first = max(0, len(items) - _CUTS)
        hashed = self._begin(root, transcript)
        hashed.update(_bytes_of(items[:first]))
        marks = [(first, hashed.digest())]
        for count, item in enumerate(items[first:-1], first + 1):
            hashed.update(_bytes_of((item,)))
            marks.append((count, hashed.digest()))
        for count, mark in ((len(items), whole), *reversed(marks)):
            trunk = self._read_on(transcript, mark, count) if count else None
            if trunk is not None:
                return trunk
        return None

    def _read_on(self, transcript: Transcript, mark: bytes, items: int) -> Trunk | None:
        """Read on from a history of so many items; None if it is not known, or cannot be cut."""
        trunk = self._kept.get(mark)
        after = trunk and transcript.read_after(items, trunk.messages, trunk.last)
        if trunk is None or after is None:
            return None
        self._kept.move_to_end(mark)
        return _longer(trunk, after) if after else trunk

    def _keep(self, mark: bytes, trunk: Trunk) -> None:
        if mark in self._kept:
            return
        self._kept[mark] = trunk
        self._nodes += len(trunk.path) + _PATH
        while self._nodes > self._most_nodes:
            _, gone = self._kept.popitem(last=False)
            self._nodes -= len(gone.path) + _PATH


def _bytes_of(items: Sequence[bytes | msgspec.Raw]) -> bytes:
    """Return items as the bytes they came as, each followed by a comma."""
    return b",".join((*items, b""))


def _read(root: NodeId, transcript: Transcript) -> Trunk:
    return _longer(Trunk(Path(root), 0, None), transcript.read())


def _longer(trunk: Trunk, after: Sequence[Message]) -> Trunk:
    path = trunk.path.grown(enumerate(after, trunk.messages))
    return Trunk(path, trunk.messages + len(after), after[-1].role if after else trunk.last)
