"""A store in memory, with the same semantics: for tests, the table top and the demo."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow, PathFacts

from .codec import encode, knowledge_of, leaf_hash, ledger_row


class MemoryStore:
    """Keeps everything until it is gone; ``available = False`` plays an outage."""

    def __init__(self) -> None:
        self.available = True
        self._nodes: dict[NodeId, NodeRecord] = {}
        self._knowledge: dict[NodeId, int] = {}
        self._roots: dict[NodeId, dict[NodeId, int]] = {}
        self._ends: dict[NodeId, EndRecord] = {}
        self._appeals: dict[NodeId, Appeal] = {}
        self._evidence: dict[NodeId, tuple[int, bytes]] = {}
        self._entries: list[Entry] = []
        self._leaves: set[bytes] = set()

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """Return what is known of a path, given its node ids from the root downwards."""
        self._check()
        return PathFacts(self._deepest(path), self._end_in_force(path))

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """Return every recorded node of a path."""
        self._check()
        return {node: self._nodes[node] for node in path if node in self._nodes}

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """Return ids and depths of all recorded nodes that stem from a root, the root included."""
        self._check()
        nodes = self._roots.get(root, {})
        found = sorted(nodes.items(), key=lambda pair: (pair[1], pair[0]))
        return [(root, 0), *found] if found else []

    async def append(self, append: Append) -> EndRecord | None:
        """Record a turn, all or nothing.

        Returns:
            The end in force at ``append.end.node``, as ``Store.append`` says.

        Raises:
            StoreUnavailable: An outage is played, or the end at this node was reversed.
        """
        self._check()
        try:
            leaf = leaf_hash(encode(append.entry))
        except (TypeError, ValueError) as error:
            raise StoreUnavailable(f"cannot be recorded ({error})") from error
        if append.end is not None:
            earlier = self._ends.get(append.end.node)
            if earlier is not None and earlier.statement.state == "reversed":
                raise StoreUnavailable("the end of this node was reversed, which stands")
            if earlier is not None:
                return earlier
            self._ends[append.end.node] = append.end
        for record in append.nodes:
            self._put(record)
        self._enter(append.entry, leaf)
        return append.end

    async def reverse(self, node: NodeId, at_ms: int, entry: Entry) -> bool:
        """Reverse the end at a node, which reopens it; tell whether there is such an end."""
        self._check()
        end = self._ends.get(node)
        if end is None:
            return False
        self._ends[node] = replace(end, statement=replace(end.statement, state="reversed"))
        self._enter(entry, leaf_hash(encode(entry)))
        return True

    async def put_appeal(
        self, appeal: Appeal, entry: Entry, expected: AppealState | None
    ) -> Appeal | None:
        """Record a step of an appeal with its entry, if the appeal stands as expected."""
        self._check()
        if appeal.node not in self._ends:
            return None
        known = self._appeals.get(appeal.node)
        if (known.state if known else None) != expected:
            return known
        if appeal.state is AppealState.REVERSED:
            await self.reverse(appeal.node, entry.at_ms, entry)
        else:
            self._enter(entry, leaf_hash(encode(entry)))
        self._appeals[appeal.node] = appeal
        return appeal

    async def appeal(self, node: NodeId) -> Appeal | None:
        """Return the appeal against the end at a node."""
        self._check()
        return self._appeals.get(node)

    async def appeals(self, limit: int) -> Sequence[Appeal]:
        """Return appeals, those filed last first."""
        self._check()
        return sorted(self._appeals.values(), key=lambda one: -one.filed_at_ms)[:limit]

    async def forget_appeals(self, before_ms: int) -> int:
        """Erase what was written in appeals that were decided before a time; return how many."""
        self._check()
        old = [
            one
            for one in self._appeals.values()
            if (one.decided_at_ms or before_ms) < before_ms and (one.words or one.answer)
        ]
        for one in old:
            self._appeals[one.node] = replace(one, words=b"", answer=b"")
        return len(old)

    async def put_evidence(self, node: NodeId, at_ms: int, sealed: bytes) -> None:
        """Keep what was written before an end, encrypted; what is kept already stays."""
        self._check()
        self._evidence.setdefault(node, (at_ms, sealed))

    async def evidence(self, node: NodeId) -> bytes | None:
        """Return what is kept of what was written before the end at a node."""
        self._check()
        return self._evidence[node][1] if node in self._evidence else None

    async def erase_evidence(self, node: NodeId) -> bool:
        """Erase it; tell whether there was anything."""
        self._check()
        return self._evidence.pop(node, None) is not None

    async def forget_evidence(self, before_ms: int) -> int:
        """Erase all that was kept before a time; return how many."""
        self._check()
        old = [node for node, (at_ms, _) in self._evidence.items() if at_ms < before_ms]
        for node in old:
            del self._evidence[node]
        return len(old)

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """Return the end recorded at exactly this node, reversed or not."""
        self._check()
        return self._ends.get(node)

    async def node(self, node: NodeId) -> NodeRecord | None:
        """Return one recorded node."""
        self._check()
        return self._nodes.get(node)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order."""
        self._check()
        return list(enumerate(self._entries))[start : start + limit]

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return ledger entries as they are stored, from position ``start`` on, in order."""
        found = await self.entries(start, limit)
        bodies = ((position, encode(entry), entry.at_ms) for position, entry in found)
        return [ledger_row(p, leaf_hash(body), at_ms, body) for p, body, at_ms in bodies]

    async def aclose(self) -> None:
        """Let go; what was kept can still be read by tests."""

    def _deepest(self, path: Sequence[NodeId]) -> NodeRecord | None:
        for node in reversed(path):
            record = self._nodes.get(node)
            if record is not None:
                return record
        return None

    def _end_in_force(self, path: Sequence[NodeId]) -> EndRecord | None:
        if self._ends.keys().isdisjoint(path):  # nearly always
            return None
        ends = (self._ends[node] for node in path if node in self._ends)
        return next((end for end in ends if end.statement.state == "in_force"), None)

    def _check(self) -> None:
        if not self.available:
            raise StoreUnavailable("an outage is played")

    def _enter(self, entry: Entry, leaf: bytes) -> None:
        if leaf not in self._leaves:
            self._leaves.add(leaf)
            self._entries.append(entry)

    def _put(self, new: NodeRecord) -> None:
        """Keep what was known, fill in what was missing, replace a state that is stale."""
        known = knowledge_of(new)
        old = self._nodes.get(new.node)
        if old is None:
            self._roots.setdefault(new.root, {})[new.node] = new.depth
        else:
            had = self._knowledge[new.node]
            stale = (old.policy_digest, old.audience) != (new.policy_digest, new.audience)
            taken = new if stale or known & ~had else old
            known = known if taken is new else had
            new = replace(
                old,
                policy_digest=taken.policy_digest,
                audience=taken.audience,
                state=taken.state,
                assessment=old.assessment or new.assessment,
                delivered=old.delivered or new.delivered,
            )
        self._nodes[new.node] = new
        self._knowledge[new.node] = known
