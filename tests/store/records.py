"""Records to store, made from short names."""

import hashlib
from dataclasses import replace

from adjourn.core.assessments import Assessment
from adjourn.core.decisions import Delivered, Requester
from adjourn.core.entries import Append, EndRecord, Entry, EntryKind, NodeRecord
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.messages import Role
from adjourn.core.statement import Statement
from adjourn.core.tree import NodeId

ASSESSED = Assessment("fixed", {Hazard.IWP: 0.25, Hazard.SXC: 0.1}, abuse=0.9, insists=0.125)
CLIMBED = PathState(
    CrisisStatus.CLEAR, redirections=2, warned=True, grounds=frozenset({"abuse", "iwp"})
)
UNSURE = PathState(CrisisStatus.UNKNOWN)


def node_id(name: str) -> NodeId:
    return NodeId(hashlib.blake2b(name.encode(), digest_size=32).hexdigest())


def path(name: str, length: int) -> list[NodeId]:
    """Ids of a conversation's nodes, without the root."""
    return [node_id(f"{name}/{depth}") for depth in range(1, length + 1)]


def node(
    name: str,
    depth: int = 1,
    *,
    policy: str = "policy-1",
    audience: str = "adult",
    state: PathState | None = None,
    assessment: Assessment | None = None,
    delivered: Delivered | None = None,
) -> NodeRecord:
    """The node at a depth of the conversation called ``name``; users speak first."""
    return NodeRecord(
        node_id(f"{name}/{depth}"),
        node_id(f"{name}/{depth - 1}") if depth > 1 else node_id(name),
        node_id(name),
        depth,
        Role.USER if depth % 2 else Role.ASSISTANT,
        policy,
        audience,
        state or PathState(),
        assessment,
        delivered,
    )


def entry(name: str, depth: int = 1, *, at_ms: int = 1_800_000_000_000) -> Entry:
    return Entry(
        kind=EntryKind.TURN,
        at_ms=at_ms,
        node=node_id(f"{name}/{depth}"),
        parent=node_id(f"{name}/{depth - 1}"),
        policy_digest="policy-1",
        audience="adult",
        decision="continue",
        rules=("ground.none",),
        model="model-ü\x00",
        grounds=("abuse",),
        assessment=ASSESSED,
    )


def turn(name: str, depth: int = 1) -> Append:
    """A user's message at an odd depth, and the reply to it."""
    return Append(
        (
            node(name, depth, assessment=ASSESSED),
            node(name, depth + 1, delivered=Delivered.REDIRECTION),
        ),
        entry(name, depth),
    )


def end_record(name: str, depth: int = 1, *, closing: str = "Closed.") -> EndRecord:
    node = node_id(f"{name}/{depth}")
    statement = Statement(
        node=node,
        at_ms=1_800_000_000_001,
        requested_by=Requester.POLICY,
        grounds=("abuse",),
        rules=("ground(abuse)", "ladder.persisted 2/2"),
        policy_name="table-top",
        policy_version="1",
        policy_digest="policy-1",
        counted=(1, 3),
        warned_at=2,
        model="model-1",
    )
    return EndRecord(node, node_id(name), statement, closing)


def ending(name: str, depth: int = 1, *, closing: str = "Closed.") -> Append:
    """A turn that ends the conversation."""
    told = turn(name, depth)
    kind = replace(told.entry, kind=EntryKind.END, model=closing)
    return Append(told.nodes, kind, end_record(name, depth, closing=closing))
