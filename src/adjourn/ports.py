"""What the shells plug into: the protocols every implementation keeps to."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.assessments import Assessed
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.messages import Message
from adjourn.core.tree import NodeId


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Return the wall-clock time in milliseconds since the Unix epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return a time in seconds that never goes back, for deadlines."""
        ...


class Detector(Protocol):
    """Judges the newest message of each conversation, in its context."""

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        ...

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order.

        Never raises for what a message contains: a message that cannot be judged is ``Unknown``.
        """
        ...

    async def aclose(self) -> None:
        """Free what the detector holds."""
        ...


class PathFacts(NamedTuple):
    """What a store knows of a path."""

    deepest: NodeRecord | None = None
    """The deepest node of the path that is recorded."""
    end: EndRecord | None = None
    """The shallowest ended (and not reversed) node on the path."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One entry as it is stored, which is not necessarily as it should be."""

    position: int
    leaf_hash: bytes
    at_ms: int
    body: str
    """Canonical JSON: what the leaf hash is taken over. Bytes that are not UTF-8 are half
    surrogates here (PEP 383)."""
    entry: Entry | None
    """None if the body cannot be read."""

    @property
    def raw(self) -> bytes:
        """The body's bytes."""
        return self.body.encode("utf-8", "surrogateescape")


class Ledger(Protocol):
    """A ledger to be read from beginning to end, without a gateway."""

    def stream(self) -> Iterator[LedgerRow]:
        """Yield every entry as it is stored, in order.

        Raises:
            BadInput: There is no ledger.
            StoreUnavailable: It cannot be read any further.
        """
        ...

    def ends(self) -> Mapping[NodeId, bool] | None:
        """Return every node that is locked or was, and whether its end was reversed.

        None where only entries are at hand. Raises as ``stream`` does.
        """
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Store(Protocol):
    """Where nodes, ends and ledger entries are kept.

    Every method raises ``StoreUnavailable`` if it cannot answer; ``append`` then recorded nothing,
    or what it recorded is found again by sending the same append once more (it is idempotent).
    """

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        """Return what is known of a path, given its node ids from the root downwards."""
        ...

    async def records(self, path: Sequence[NodeId]) -> Mapping[NodeId, NodeRecord]:
        """Return every recorded node of a path."""
        ...

    async def conversation(self, root: NodeId) -> Sequence[tuple[NodeId, int]]:
        """Return ids and depths of all recorded nodes that stem from a root, the root included.

        The root itself is not a recorded node but is listed with depth 0 if anything stems
        from it, so that a window can be aligned to the beginning too.
        """
        ...

    async def append(self, append: Append) -> EndRecord | None:
        """Record a turn, all or nothing, and return once it is durable.

        A node that is recorded already keeps its attestation and its assessment; what was missing
        is filled in, and its state is replaced if it was computed for another policy or audience,
        or without the assessment or attestation that is known now. An end is inserted once.

        Returns:
            The end in force at ``append.end.node``: the one given, or an earlier one that won, in
            which case nothing of this append was recorded; None if the append has no end.
        """
        ...

    async def put_appeal(
        self, appeal: Appeal, entry: Entry, expected: AppealState | None
    ) -> Appeal | None:
        """Record a step of an appeal with its entry, if the appeal stands as expected.

        A state of ``REVERSED`` reverses the end with it, at once on all nodes.

        Args:
            appeal: The appeal after the step.
            entry: What the ledger says of it.
            expected: Where it must stand before; None if there must be none.

        Returns:
            The appeal as it stands now, which is another one if somebody was faster; None if there
            is no end at its node. Nothing was recorded in either case.
        """
        ...

    async def appeal(self, node: NodeId) -> Appeal | None:
        """Return the appeal against the end at a node."""
        ...

    async def appeals(self, limit: int) -> Sequence[Appeal]:
        """Return appeals, those filed last first."""
        ...

    async def forget_appeals(self, before_ms: int) -> int:
        """Erase what was written in appeals that were decided before a time; return how many."""
        ...

    async def put_evidence(self, node: NodeId, at_ms: int, sealed: bytes) -> None:
        """Keep what was written before an end, encrypted; what is kept already stays."""
        ...

    async def evidence(self, node: NodeId) -> bytes | None:
        """Return what is kept of what was written before the end at a node."""
        ...

    async def erase_evidence(self, node: NodeId) -> bool:
        """Erase it; tell whether there was anything."""
        ...

    async def forget_evidence(self, before_ms: int) -> int:
        """Erase all that was kept before a time; return how many."""
        ...

    async def end_at(self, node: NodeId) -> EndRecord | None:
        """Return the end recorded at exactly this node, reversed or not."""
        ...

    async def node(self, node: NodeId) -> NodeRecord | None:
        """Return one recorded node."""
        ...

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order."""
        ...

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return ledger entries as they are stored, from position ``start`` on, in order."""
        ...

    async def aclose(self) -> None:
        """Finish what was accepted, then let go of the store."""
        ...


class UpstreamRequest(NamedTuple):
    """One HTTP request to the model's server, ready to be sent as it is."""

    method: str
    path: str
    """Path and query below the upstream's base URL, as the client sent it."""
    headers: Sequence[tuple[str, str]]
    body: bytes


class UpstreamReply(Protocol):
    """The model server's reply, its body still flowing."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """End-to-end headers, in order."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            UpstreamUnavailable: The body was cut: the connection was lost, or nothing came for
                the idle time-out. A body that ends regularly simply ends.
        """
        ...

    async def aclose(self) -> None:
        """Let go of the reply; a body that was not read to its end is cancelled at once."""
        ...


class Upstream(Protocol):
    """The model's server."""

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        """Send a request and return once the reply's head is there.

        Raises:
            UpstreamUnavailable: No connection, no head within the time-out, or not HTTP.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
