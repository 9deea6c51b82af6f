"""Checks a ledger: against itself, against checkpoints, and against an earlier copy.

Names what is wrong and where. What only a checkpoint can show (everything was rewritten, hashes
and all) is narrowed down to the entries between two checkpoints; an earlier copy names the entry.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.merkle import Frontier, leaf_hash
from adjourn.core.policy import Policy
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow
from adjourn.report.ledger_laws import Laws
from adjourn.runtime.notes import Checkpoint

TOLERANCE_MS: Final = 60 * 60 * 1000
"""An entry carries the time its request came in, and is written when the reply is complete: a long
answer lies between. More than an hour is a wrong clock or a wrong date."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be."""

    position: int | None
    """Of the entry; None if it is about what there is no entry of."""
    what: str
    last: int | None = None
    """Where it is one of several entries: the last of them."""

    def __str__(self) -> str:
        if self.position is None:
            return self.what
        if self.last is None or self.last == self.position:
            return f"entry {self.position}: {self.what}"
        return f"entries {self.position} to {self.last}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to."""

    size: int
    root: bytes
    findings: tuple[Finding, ...]


def check_ledger(
    rows: Iterable[LedgerRow],
    checkpoints: Sequence[Checkpoint] = (),
    earlier: Sequence[bytes] = (),
    *,
    ends: Mapping[NodeId, bool] | None = None,
    policies: Iterable[Policy] = (),
) -> Verdict:
    """Check every entry.

    Args:
        rows: The ledger, in the order in which it is stored.
        checkpoints: What it was at earlier times, signatures checked already.
        earlier: Leaf hashes of an earlier copy, in order.
        ends: The nodes that are locked or were, and whether their ends were reversed; they must
            be what the entries say. None if only entries are at hand.
        policies: Documents of policies that were in force.
    """
    checker = _Checker(checkpoints, earlier, Laws(policies))
    for row in rows:
        checker.take(row)
    return checker.verdict(ends)


class _Checker:
    def __init__(
        self, checkpoints: Sequence[Checkpoint], earlier: Sequence[bytes], laws: Laws
    ) -> None:
        self._checkpoints = sorted(checkpoints, key=lambda one: one.size, reverse=True)
        """Those still to be passed, the next one last."""
        self._earlier = earlier
        self._laws = laws
        self._tree = Frontier()
        self._agreed = 0
        """Size of the newest checkpoint that agrees."""
        self._time_ms = 0
        """Time of the newest checkpoint passed."""
        self._next = 0
        self._newest_ms = 0
        self._found: list[Finding] = []
        self._pass()

    def take(self, row: LedgerRow) -> None:
        """Check one entry."""
        self._found += self._place(row)
        leaf = leaf_hash(row.raw)
        if leaf != row.leaf_hash:
            self._found.append(Finding(row.position, "changed: its hash is that of another text"))
        if 0 <= row.position < len(self._earlier) and self._earlier[row.position] != leaf:
            self._found.append(Finding(row.position, "not what it was in the earlier copy"))
        self._found += [Finding(row.position, what) for what in self._times(row)]
        if row.entry is None:
            self._found.append(Finding(row.position, "its text is no entry"))
        else:
            broken = self._laws.take(row.position, row.entry)
            self._found += [Finding(row.position, what) for what in broken]
        self._tree.add(leaf)
        self._pass()

    def verdict(self, ends: Mapping[NodeId, bool] | None) -> Verdict:
        """Return what was found."""
        size = self._tree.size
        if self._checkpoints:
            most = self._checkpoints[0].size
            what = f"dropped: a checkpoint was signed over {most} entries"
            self._found.append(Finding(size, what, most - 1))
        if len(self._earlier) > size:
            what = f"dropped: the earlier copy has {len(self._earlier)} entries"
            self._found.append(Finding(size, what, len(self._earlier) - 1))
        if ends is not None:
            self._found += self._locks(ends)
        return Verdict(size, self._tree.root(), tuple(self._found))

    def _place(self, row: LedgerRow) -> Iterator[Finding]:
        """Yield what is wrong with an entry's position."""
        if row.position > self._next:
            what = f"missing: the next one is {row.position}"
            yield Finding(self._next, what, row.position - 1)
        elif row.position < self._next:
            yield Finding(row.position, f"out of order: it comes after {self._next - 1}")
        self._next = max(self._next, row.position + 1)

    def _pass(self) -> None:
        """Compare with the checkpoints over as many entries as were taken by now."""
        size = self._tree.size
        while self._checkpoints and self._checkpoints[-1].size == size:
            checkpoint = self._checkpoints.pop()
            if checkpoint.root == self._tree.root():
                self._agreed = size
            else:
                what = "changed, reordered or put in: the root is not that of the checkpoint"
                self._found.append(Finding(self._agreed, what, max(self._agreed, size - 1)))
            if checkpoint.at_ms is not None:
                self._time_ms = max(self._time_ms, checkpoint.at_ms)
                if self._newest_ms > checkpoint.at_ms + TOLERANCE_MS:
                    what = "an entry up to here is dated after its checkpoint"
                    self._found.append(Finding(max(0, size - 1), what))

    def _times(self, row: LedgerRow) -> Iterator[str]:
        """Yield what is wrong with an entry's date."""
        if row.at_ms < self._time_ms - TOLERANCE_MS:
            yield "back-dated: it is older than the checkpoint before it"
        elif row.at_ms < self._newest_ms - TOLERANCE_MS:
            yield "back-dated: over an hour older than an entry before it"
        if row.entry is not None and row.entry.at_ms != row.at_ms:
            yield "its date is not the one in its text"
        self._newest_ms = max(self._newest_ms, row.at_ms)

    def _locks(self, ends: Mapping[NodeId, bool]) -> Iterator[Finding]:
        """Yield where what is locked is not what the entries say."""
        told = self._laws.ended
        for node, position in told.items():
            if node not in ends:
                yield Finding(position, "the end it tells of is not kept: nothing is locked")
            elif ends[NodeId(node)] != (node in self._laws.reversed):
                undone = "is undone, and no entry says so" if ends[NodeId(node)] else "is in force"
                also = "" if ends[NodeId(node)] else ", though an entry says that it was reversed"
                yield Finding(position, f"the end it tells of {undone}{also}")
        for node in ends:
            if node not in told:
                yield Finding(None, f"node {node} is locked, and no entry says so")
