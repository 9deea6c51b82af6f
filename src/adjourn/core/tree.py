"""Conversation identity: a content-addressed tree.

A chat API is stateless, so a conversation *is* its messages. A node's id is a hash over its
parent's id, its role and its canonical content; a path is the chain of nodes of one request.
Only user and assistant messages are nodes: a changing system prompt must not wash a lock away,
and tool traffic does not make another conversation.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NewType

from adjourn.core.messages import (
    NO_CONTENT,
    Message,
    Role,
    TextPart,
    canonical_content,
    frame,
)

NodeId = NewType("NodeId", str)
"""BLAKE2b-256 as 64 lower-case hexadecimal digits."""

_ROOT: Final = b"adjourn/root/v1"
_NODE: Final = frame(b"adjourn/node/v1", b"", b"", b"")[:-24] + (32).to_bytes(8, "big")
"""How the frame that a node id is the hash of begins; the parent's 32 bytes follow."""
_ROLES: Final = {role: frame(role.encode())[8:] for role in Role}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who speaks, so that two people with the same words do not share a lock."""

    tenant: str
    """The gateway key's id."""
    end_user: str = ""
    """What the client says of the person: ``safety_identifier``, ``user``, ``metadata.user_id``."""
    conversation: str = ""
    """The client's own conversation id; empty if it gives none."""

    def root(self) -> NodeId:
        """Return the id that all paths of this origin start from."""
        return _root(self.tenant, self.end_user, self.conversation)


@lru_cache(1024)
def _root(*fields: str) -> NodeId:
    framed = frame(_ROOT, *(text.encode("utf-8", "surrogatepass") for text in fields))
    return NodeId(hashlib.blake2b(framed, digest_size=32).hexdigest())


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a path."""

    node: NodeId
    parent: NodeId
    role: Role
    index: int
    """Position of the message in the request, counting all roles, from 0."""
    depth: int
    """Number of nodes from the root to this one, itself included."""


@dataclass(frozen=True, slots=True)
class Path:
    """The chain of nodes of one request, from the root or a recorded node downwards.

    Kept by columns: a long history is thousands of objects less, and its ids are at hand.
    """

    start: NodeId
    """What it hangs from, which is not part of it."""
    nodes: tuple[NodeId, ...] = ()
    roles: tuple[Role, ...] = ()
    indexes: tuple[int, ...] = ()
    above: int = 0
    """Depth of ``start``."""

    @property
    def leaf(self) -> NodeId:
        """The last node, or what an empty path hangs from."""
        return self.nodes[-1] if self.nodes else self.start

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.nodes)

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps, the one nearest to the root first."""
        return map(self.__getitem__, range(len(self.nodes)))

    def __getitem__(self, at: int) -> Step:
        """Return a step by its place, counted from 0 or, if negative, from the end."""
        node = self.nodes[at]
        at = at if at >= 0 else at + len(self.nodes)
        depth = self.above + at + 1
        return Step(node, self.parent_of(at), self.roles[at], self.indexes[at], depth)

    def parent_of(self, at: int) -> NodeId:
        """Return the id of what the step at a place, counted from 0, hangs from."""
        return self.nodes[at - 1] if at else self.start

    def grown(self, messages: Iterable[tuple[int, Message]]) -> "Path":
        """Return the path with more messages (index in the request, message) at its end."""
        nodes: list[NodeId] = []
        roles: list[Role] = []
        indexes: list[int] = []
        parent = self.leaf
        for index, message in messages:
            content = canonical_content(message)
            if _is_node(message.role, content):
                parent = _child(parent, message.role, content)
                nodes.append(parent)
                roles.append(message.role)
                indexes.append(index)
        return Path(
            self.start,
            (*self.nodes, *nodes),
            (*self.roles, *roles),
            (*self.indexes, *indexes),
            self.above,
        )


def child(parent: NodeId, message: Message) -> NodeId:
    """Return the id of ``message`` said under ``parent``."""
    return _child(parent, message.role, canonical_content(message))


def reply_node(parent: NodeId, text: str) -> NodeId | None:
    """Return the id of an assistant's message said under ``parent``; None if it says nothing."""
    content = canonical_content(Message(Role.ASSISTANT, (TextPart(text),)))
    return None if content == NO_CONTENT else _child(parent, Role.ASSISTANT, content)


def _child(parent: NodeId, role: Role, content: bytes) -> NodeId:
    """Hash ``frame("adjourn/node/v1", parent, role, content)``, of which most is constant."""
    length = len(content).to_bytes(8, "big")
    framed = b"".join((_NODE, bytes.fromhex(parent), _ROLES[role], length, content))
    return NodeId(hashlib.blake2b(framed, digest_size=32).hexdigest())


def is_node(message: Message) -> bool:
    """Tell whether a message is a node: user messages, and assistant messages that say something.

    An assistant message without content only carries tool calls, which pass through.
    """
    return _is_node(message.role, canonical_content(message))


def _is_node(role: Role, content: bytes) -> bool:
    return role is Role.USER or (role is Role.ASSISTANT and content != NO_CONTENT)


def path_of(start: NodeId, messages: Iterable[tuple[int, Message]], depth: int = 0) -> Path:
    """Chain ``messages`` (index in the request, message) from ``start``; only nodes are kept.

    Args:
        start: The root, or the recorded node that a trimmed request continues.
        messages: Pairs of position in the request and message.
        depth: Depth of ``start``.
    """
    return Path(start, above=depth).grown(messages)


_MOST_LEADING: Final = 4
"""How many leading messages may be the client's own (a summary, a greeting); bounds the search."""


def align(
    recorded: Sequence[tuple[NodeId, int]],
    messages: Sequence[tuple[int, Message]],
) -> Path | None:
    """Fit a trimmed history onto a recorded conversation.

    A client that drops or summarises old messages sends a window of the path. The window is laid
    at the place where most of its messages are recorded nodes in a row; of equal places the one
    that leaves out the fewest leading messages, then the deepest, because a trimmed window is the
    tail of what was said last.

    Args:
        recorded: All recorded nodes of the conversation with their depths, the root with 0.
        messages: The request's messages with their positions, oldest first.

    Returns:
        The path from the place found, or None if no message of the window is recorded.
    """
    known: Collection[NodeId] = {node for node, _ in recorded}
    nodes = [pair for pair in messages if is_node(pair[1])]
    best: tuple[tuple[int, int, int], Path] | None = None
    for first in range(min(_MOST_LEADING, len(nodes) - 1)):
        for parent, depth in recorded:
            if child(parent, nodes[first][1]) not in known:
                continue
            path = path_of(parent, nodes[first:], depth)
            rank = (_known_run(path, known), -first, depth)
            if best is None or rank > best[0]:
                best = (rank, path)
    return best[1] if best else None


def _known_run(path: Path, known: Collection[NodeId]) -> int:
    for count, node in enumerate(path.nodes):
        if node not in known:
            return count
    return len(path)
