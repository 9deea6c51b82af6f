"""Ends that were seen lately, so that locks hold while the database does not answer."""

from collections import OrderedDict
from collections.abc import Sequence

from adjourn.core.entries import EndRecord
from adjourn.core.tree import NodeId


class KnownEnds:
    """The newest ``limit`` ends in force that this process has recorded or looked up.

    Only asked when the database cannot be. An end changes in one way, by a reversal; one whose
    reversal was as much as tried is never told from here again, so whatever becomes of the
    attempt, what a person reopened is not locked from memory.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ends: OrderedDict[NodeId, EndRecord] = OrderedDict()
        self._reopened: set[NodeId] = set()

    def note(self, end: EndRecord) -> None:
        """Remember an end in force."""
        if end.node in self._reopened:
            return
        self._ends[end.node] = end
        self._ends.move_to_end(end.node)
        if len(self._ends) > self._limit:
            self._ends.popitem(last=False)

    def found(self, path: Sequence[NodeId], ends: Sequence[EndRecord]) -> None:
        """Take in which ends of a path are in force; all others of the path are so no more."""
        in_force = {end.node for end in ends}
        for node in path:
            if node in self._ends and node not in in_force:
                del self._ends[node]
        for end in ends:
            self.note(end)

    def reversing(self, node: NodeId) -> None:
        """Forget an end for good; to be called before its reversal is recorded, or once it is
        known that another process recorded it."""
        self._reopened.add(node)
        self._ends.pop(node, None)

    def on(self, path: Sequence[NodeId]) -> EndRecord | None:
        """Return the shallowest known end of a path."""
        return next((self._ends[node] for node in path if node in self._ends), None)
