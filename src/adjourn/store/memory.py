"""A store in memory: for tests, and for gateways that may forget."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.tree import NodeId
from adjourn.ports import PathFacts


class MemoryStore:
    """Keeps everything until the process ends."""

    def __init__(self) -> None:
        self._nodes: dict[NodeId, NodeRecord] = {}
        self._ends: dict[NodeId, EndRecord] = {}
        self._entries: list[Entry] = []

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """Return what is known of a path."""
        deepest = next((self._nodes[n] for n in reversed(path) if n in self._nodes), None)
        end = next((self._ends[n] for n in path if n in self._ends), None)
        return PathFacts(deepest, end)

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """Return every recorded node of a path."""
        return {node: self._nodes[node] for node in path if node in self._nodes}

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """Return ids and depths of all recorded nodes that stem from a root."""
        found = [(r.node, r.depth) for r in self._nodes.values() if r.root == root]
        return [(root, 0), *found] if found else []

    async def append(self, append: Append) -> EndRecord | None:
        """Record a turn, all or nothing."""
        end = append.end
        if end is not None and end.node in self._ends:
            return self._ends[end.node]
        for record in append.nodes:
            known = self._nodes.get(record.node)
            self._nodes[record.node] = record if known is None else _merged(known, record)
        self._entries.append(append.entry)
        if end is not None:
            self._ends[end.node] = end
        return end

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """Return the end recorded at exactly this node."""
        return self._ends.get(node)

    async def node(self, node: NodeId) -> NodeRecord | None:
        """Return one recorded node."""
        return self._nodes.get(node)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions."""
        return list(enumerate(self._entries))[start : start + limit]

    async def aclose(self) -> None:
        """Nothing to let go of."""


def _merged(known: NodeRecord, new: NodeRecord) -> NodeRecord:
    return replace(
        new,
        delivered=known.delivered or new.delivered,
        assessment=new.assessment or known.assessment,
    )
