"""A store that is measured while it works; what it records is counted."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.decisions import Delivered, Rule
from adjourn.core.entries import Append, EndRecord, Entry, EntryKind, NodeRecord, pause_rule
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import Clock, LedgerRow, PathFacts, Store
from adjourn.runtime.health import Health
from adjourn.runtime.metrics import Metrics

_T = TypeVar("_T")


class MeasuredStore:
    """A store whose calls are timed, and whose records are counted."""

    def __init__(self, store: Store, metrics: Metrics, clock: Clock) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self.health = Health()

    async def _timed(self, call: str, work: Awaitable[_T]) -> _T:
        began = self._clock.monotonic_s()
        try:
            answer = await work
        except StoreUnavailable:
            self._metrics.store_failures.labels(call).inc()
            self.health.note(worked=False)
            raise
        self.health.note(worked=True)
        self._metrics.store_s.labels(call).observe(self._clock.monotonic_s() - began)
        return answer

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """See ``Store``."""
        return await self._timed("look_up", self._store.look_up(path))

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """See ``Store``."""
        return await self._timed("records", self._store.records(path))

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """See ``Store``."""
        return await self._timed("conversation", self._store.conversation(root))

    async def append(self, append: Append) -> EndRecord | None:
        """See ``Store``; what was recorded is counted."""
        end = await self._timed("append", self._store.append(append))
        if append.end is None or end == append.end:
            self._count(append.entry, append.end)
        return end

    def _count(self, entry: Entry, end: EndRecord | None) -> None:
        metrics = self._metrics
        if entry.kind not in {EntryKind.TURN, EntryKind.END}:
            return
        metrics.turns.labels(entry.decision, str(entry.acted).lower()).inc()
        if entry.denied_model_requests:
            metrics.denied.inc(entry.denied_model_requests)
        if end is not None:
            metrics.ends.labels(entry.requested_by).inc()
        if entry.delivered == Delivered.WARNING:
            metrics.warnings.inc()
        if entry.decision == "support" and entry.acted:
            metrics.crises.inc()
            if pause_rule(entry) == Rule.PAUSE_BEGAN:
                metrics.pauses.inc()

    async def put_appeal(
        self, appeal: Appeal, entry: Entry, expected: AppealState | None
    ) -> Appeal | None:
        """See ``Store``."""
        return await self._timed("put_appeal", self._store.put_appeal(appeal, entry, expected))

    async def appeal(self, node: NodeId) -> Appeal | None:
        """See ``Store``."""
        return await self._timed("appeal", self._store.appeal(node))

    async def appeals(self, limit: int) -> Sequence[Appeal]:
        """See ``Store``."""
        return await self._timed("appeals", self._store.appeals(limit))

    async def forget_appeals(self, before_ms: int) -> int:
        """See ``Store``."""
        return await self._timed("forget_appeals", self._store.forget_appeals(before_ms))

    async def put_evidence(self, node: NodeId, at_ms: int, sealed: bytes) -> None:
        """See ``Store``."""
        await self._timed("put_evidence", self._store.put_evidence(node, at_ms, sealed))

    async def evidence(self, node: NodeId) -> bytes | None:
        """See ``Store``."""
        return await self._timed("evidence", self._store.evidence(node))

    async def erase_evidence(self, node: NodeId) -> bool:
        """See ``Store``."""
        return await self._timed("erase_evidence", self._store.erase_evidence(node))

    async def forget_evidence(self, before_ms: int) -> int:
        """See ``Store``."""
        return await self._timed("forget_evidence", self._store.forget_evidence(before_ms))

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """See ``Store``."""
        return await self._timed("end_at", self._store.end_at(node))

    async def node(self, node: NodeId) -> NodeRecord | None:
        """See ``Store``."""
        return await self._timed("node", self._store.node(node))

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """See ``Store``."""
        return await self._timed("entries", self._store.entries(start, limit))

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """See ``Store``."""
        return await self._timed("rows", self._store.rows(start, limit))

    async def aclose(self) -> None:
        """See ``Store``."""
        await self._store.aclose()
