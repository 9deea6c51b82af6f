"""Paths that were read before: of the next turn of a conversation, only what is new is read.

What is kept of a history is a keyed digest of its bytes and the nodes it is; nothing that anybody
wrote. It is a memory and nothing else: the path is the one that reading everything gives, and what
is forgotten is read again.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId, Path
from adjourn.wire.transcript import Transcript

MOST_NODES: Final = 300_000
"""Nodes of all kept paths together, each path counting as some more: 27 MB at most."""
_PATH: Final = 5
"""As many nodes' memory a path takes beside its nodes."""
_CUTS: Final = 8
"""A history is looked for without its last items, up to so many: an answer and the next message
are two, calls of tools and what they gave one each."""


@dataclass(frozen=True, slots=True)
class Trunk:
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
        marks = self._marks(root, transcript)
        trunk = self._read_on(transcript, marks) or _read(root, transcript)
        self._keep(marks[-1], trunk)
        return trunk.path

    def _read_on(self, transcript: Transcript, marks: list[bytes]) -> Trunk | None:
        """Read on from the longest history that is known; None if none is."""
        count = len(transcript.items)
        for mark in reversed(marks):
            trunk = self._kept.get(mark)
            if trunk is not None and count:
                after = transcript.read_after(count, trunk.messages, trunk.last)
                if after is None:
                    return None
                self._kept.move_to_end(mark)
                return _longer(trunk, after) if after else trunk
            count -= 1
        return None

    def _marks(self, root: NodeId, transcript: Transcript) -> list[bytes]:
        """Return digests of the history without its last items, of the shortest first.

        What is hashed is one sequence of JSON values, told apart by their commas, behind all else
        that the path depends on.
        """
        items = transcript.items
        first = max(0, len(items) - _CUTS)
        begins = f"{transcript.form} {root} {len(transcript.lead)},".encode()
        hashed = hashlib.blake2b(begins, digest_size=16, key=self._key)
        hashed.update(b",".join(items[:first]))
        marks = [hashed.digest()]
        for item in items[first:]:
            hashed.update(b",")
            hashed.update(item)
            marks.append(hashed.digest())
        return marks

    def _keep(self, mark: bytes, trunk: Trunk) -> None:
        if mark in self._kept:
            return
        self._kept[mark] = trunk
        self._nodes += len(trunk.path) + _PATH
        while self._nodes > self._most_nodes:
            _, gone = self._kept.popitem(last=False)
            self._nodes -= len(gone.path) + _PATH


def _read(root: NodeId, transcript: Transcript) -> Trunk:
    return _longer(Trunk(Path(root), 0, None), transcript.read())


def _longer(trunk: Trunk, after: Sequence[Message]) -> Trunk:
    path = trunk.path.grown(enumerate(after, trunk.messages))
    return Trunk(path, trunk.messages + len(after), after[-1].role if after else trunk.last)
