"""Checks a ledger: against itself, against checkpoints, and against an earlier copy.

Names what is wrong and where. What only a checkpoint can show (everything was rewritten, hashes
and all) is narrowed down to the entries between two checkpoints; an earlier copy names the entry.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.core.decisions import Delivered, Requester
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.merkle import Frontier, leaf_hash
from adjourn.ports import LedgerRow
from adjourn.runtime.notes import Checkpoint

TOLERANCE_MS: Final = 60 * 60 * 1000
"""An entry carries the time its request came in, and is written when the reply is complete: a long
answer lies between. More than an hour is a wrong clock or a wrong date."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be."""

    position: int
    what: str
    last: int | None = None
    """Where it is one of several entries: the last of them."""

    def __str__(self) -> str:
        if self.last is None:
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
) -> Verdict:
    """Check every entry.

    Args:
        rows: The ledger, in the order of its positions.
        checkpoints: What it was at earlier times, signatures checked already.
        earlier: Leaf hashes of an earlier copy, in order.
    """
    by_size = {one.size: one for one in checkpoints}
    checker = _Checker(by_size, earlier)
    for row in rows:
        checker.take(row)
    return checker.verdict()


class _Checker:
    def __init__(self, by_size: dict[int, Checkpoint], earlier: Sequence[bytes]) -> None:
        self._by_size = by_size
        self._earlier = earlier
        self._tree = Frontier()
        self._agreed = 0
        """Size of the newest checkpoint that agrees."""
        self._time_ms = 0
        """Time of the newest checkpoint passed."""
        self._next = 0
        self._newest_ms = 0
        self._warned: set[str] = set()
        self._found: list[Finding] = []
        self._passed(0)

    def take(self, row: LedgerRow) -> None:
        """Check one entry."""
        if row.position != self._next:
            what = f"missing: the next one is {row.position}"
            self._found.append(Finding(self._next, what, row.position - 1))
        self._next = row.position + 1
        leaf = leaf_hash(row.body.encode())
        if leaf != row.leaf_hash:
            self._found.append(Finding(row.position, "changed: its hash is that of another text"))
        if row.position < len(self._earlier) and self._earlier[row.position] != leaf:
            self._found.append(Finding(row.position, "not what it was in the earlier copy"))
        self._found += [Finding(row.position, what) for what in self._times(row)]
        if row.entry is None:
            self._found.append(Finding(row.position, "its text is no entry"))
        else:
            self._found += [Finding(row.position, what) for what in self._laws(row.entry)]
        self._tree.add(leaf)
        self._passed(self._tree.size)

    def verdict(self) -> Verdict:
        """Return what was found."""
        size = self._tree.size
        missing = [one for one in self._by_size if one > size]
        if missing:
            what = f"dropped: a checkpoint was signed over {max(missing)} entries"
            self._found.append(Finding(size, what, max(missing) - 1))
        if len(self._earlier) > size:
            what = f"dropped: the earlier copy has {len(self._earlier)} entries"
            self._found.append(Finding(size, what, len(self._earlier) - 1))
        return Verdict(size, self._tree.root(), tuple(self._found))

    def _passed(self, size: int) -> None:
        checkpoint = self._by_size.get(size)
        if checkpoint is None:
            return
        if checkpoint.root == self._tree.root():
            self._agreed = size
        else:
            what = "changed, reordered or put in: the root is not that of the checkpoint"
            self._found.append(Finding(self._agreed, what, max(self._agreed, size - 1)))
        if checkpoint.at_ms is not None:
            self._time_ms = checkpoint.at_ms
            if self._newest_ms > checkpoint.at_ms + TOLERANCE_MS:
                self._found.append(
                    Finding(max(0, size - 1), "an entry up to here is dated after its checkpoint")
                )

    def _times(self, row: LedgerRow) -> Iterator[str]:
        """Yield what is wrong with an entry's date."""
        if row.at_ms < self._time_ms - TOLERANCE_MS:
            yield "back-dated: it is older than the checkpoint before it"
        elif row.at_ms < self._newest_ms - TOLERANCE_MS:
            yield "back-dated: over an hour older than an entry before it"
        if row.entry is not None and row.entry.at_ms != row.at_ms:
            yield "its date is not the one in its text"
        self._newest_ms = max(self._newest_ms, row.at_ms)

    def _laws(self, entry: Entry) -> Iterator[str]:
        """Yield which law an entry shows broken, as far as entries can show it."""
        if entry.delivered == Delivered.WARNING and entry.acted:
            self._warned.add(entry.conversation)
        if entry.kind is not EntryKind.END or not entry.acted:
            return
        if any(rule.startswith("crisis.") for rule in entry.rules):
            yield "crisis_trumps_end: an end on a path with a crisis"
        if entry.requested_by == Requester.USER:
            if "user.confirmed" not in entry.rules:
                yield "user_end_needs_confirmation: nothing says that the user confirmed"
            return
        yield from self._ladder(entry)

    def _ladder(self, entry: Entry) -> Iterator[str]:
        if not entry.grounds:
            yield "empty_policy_never_ends: an end on no ground"
        if "ladder.warned 1/1" not in entry.rules:
            yield "end_needs_prior_warning: nothing says that there was a warning"
        elif entry.conversation and entry.conversation not in self._warned:
            yield "end_needs_prior_warning: no earlier entry of this conversation is a warning"
        for rule in entry.rules:
            if rule.startswith("ladder.redirections ") and not _is_met(rule):
                yield "end_needs_redirections: fewer than the policy asks for"


def _is_met(rule: str) -> bool:
    have, _, need = rule.rpartition(" ")[2].partition("/")
    return have.isdigit() and need.isdigit() and int(have) >= int(need)
