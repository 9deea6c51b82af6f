"""Records as rows, and rows as records.

Node ids are 32-byte keys. States, assessments, statements and entries are JSON with their fields
in the order of the class and mappings sorted by key, so that equal records are equal bytes: an
entry's bytes are what its leaf hash is taken over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import msgspec

from adjourn.core import merkle
from adjourn.core.assessments import Assessment
from adjourn.core.decisions import Delivered
from adjourn.core.entries import Append, EndRecord, Entry, NodeRecord
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.messages import Role
from adjourn.core.statement import Statement
from adjourn.core.tree import NodeId
from adjourn.ports import LedgerRow

Row = tuple[Any, ...]

NODE_COLUMNS: Final = (
    "node, parent, root, depth, role, policy_digest, audience, state, knowledge, assessment,"
    " delivered"
)
END_COLUMNS: Final = "node, root, statement, closing, reversed_at_ms"

_NO_PAUSE: Final = ',"pause":null}'
"""How a state without a pause ends; it is left out, so that nothing is stored of what is not."""

_OWN: Final = 1
_CRISIS: Final = 2


@dataclass(frozen=True, slots=True)
class AppendRows:
    """An append, ready to be written."""

    nodes: Sequence[Row]
    entry: Row
    end: Row | None


def _plain(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError(f"cannot be recorded: {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")
_states = msgspec.json.Decoder(PathState)
_assessments = msgspec.json.Decoder(Assessment)
_statements = msgspec.json.Decoder(Statement)
_entries = msgspec.json.Decoder(Entry)


def encode(value: object) -> str:
    """Return a record's canonical JSON.

    Raises:
        ValueError: Something in it cannot be written, such as half a surrogate pair.
        TypeError: It is not made of records, texts and numbers.
    """
    return _encoder.encode(value).decode()


def key_of(node: NodeId) -> bytes:
    """Return a node id as 32 bytes."""
    return bytes.fromhex(node)


def is_node_id(text: str) -> bool:
    """Tell whether a text has the form of a node id: 64 lower-case hexadecimal digits."""
    return len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)


def knowledge_of(record: NodeRecord) -> int:
    """Return what a record's state was computed with, as bits.

    Bit 0: the node's own assessment or attestation. Bit 1: whether there is a crisis on the path.
    A state is replaced by one that knows something it does not.
    """
    own = record.assessment is not None or record.delivered is not None
    return _OWN * own + _CRISIS * (record.state.crisis is not CrisisStatus.UNKNOWN)


def _state(state: PathState) -> str:
    text = encode(state)
    return text if state.pause is not None else f"{text.removesuffix(_NO_PAUSE)}}}"


def node_row(record: NodeRecord) -> Row:
    """Return a node as a row of ``NODE_COLUMNS``."""
    return (
        key_of(record.node),
        key_of(record.parent),
        key_of(record.root),
        record.depth,
        str(record.role),
        record.policy_digest,
        str(record.audience),
        _state(record.state),
        knowledge_of(record),
        None if record.assessment is None else encode(record.assessment),
        None if record.delivered is None else str(record.delivered),
    )


def node_record(row: Row) -> NodeRecord:
    """Return the node of a row of ``NODE_COLUMNS``."""
    node, parent, root, depth, role, policy, audience, state, _, assessment, delivered = row
    return NodeRecord(
        NodeId(node.hex()),
        NodeId(parent.hex()),
        NodeId(root.hex()),
        depth,
        Role(role),
        policy,
        audience,
        _states.decode(state),
        None if assessment is None else _assessments.decode(assessment),
        None if delivered is None else Delivered(delivered),
    )


def end_row(end: EndRecord) -> Row:
    """Return an end as a row: node, root, at_ms, requested_by, statement, closing."""
    at_ms, statement = end.statement.at_ms, encode(end.statement)
    return key_of(end.node), key_of(end.root), at_ms, str(end.by), statement, end.closing


def end_record(row: Row) -> EndRecord:
    """Return the end of a row of ``END_COLUMNS``; its statement says whether it was reversed."""
    node, root, statement, closing, reversed_at_ms = row
    said: Statement = _statements.decode(statement)
    if reversed_at_ms is not None:
        said = replace(said, state="reversed")
    return EndRecord(NodeId(node.hex()), NodeId(root.hex()), said, closing)


def leaf_hash(body: str) -> bytes:
    """Return the leaf hash of an entry's canonical JSON."""
    return merkle.leaf_hash(body.encode())


def entry_row(entry: Entry) -> Row:
    """Return an entry as a row: leaf_hash, kind, at_ms, node, body."""
    body = encode(entry)
    return leaf_hash(body), str(entry.kind), entry.at_ms, key_of(entry.node), body


def entry_of(body: str) -> Entry:
    """Return the entry of its canonical JSON."""
    return _entries.decode(body)


def ledger_row(position: int, leaf: object, at_ms: object, body: object) -> LedgerRow:
    """Return a row of the ledger as it is stored, whatever was done to it.

    What is of another type than it should be becomes something that no check takes for right.
    """
    if not isinstance(body, str):
        body = repr(body)
    try:
        entry = entry_of(body)
    except (msgspec.DecodeError, TypeError, ValueError):
        entry = None
    leaf = leaf if isinstance(leaf, bytes) else b""
    return LedgerRow(position, leaf, at_ms if isinstance(at_ms, int) else -1, body, entry)


def append_rows(append: Append) -> AppendRows:
    """Return an append as rows; raises as ``encode`` does."""
    return AppendRows(
        [node_row(record) for record in append.nodes],
        entry_row(append.entry),
        None if append.end is None else end_row(append.end),
    )
