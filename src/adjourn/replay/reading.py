"""Conversations out of corpora: JSONL and Parquet, in the columns that public corpora have.

A row that is none is told with its position, and the rest goes on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq

from adjourn.core.assessments import Assessment
from adjourn.core.errors import BadInput
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role, TextPart

_ROLES: Final[Mapping[str, Role]] = {
    "system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "human": Role.USER,
    "prompter": Role.USER, "assistant": Role.ASSISTANT, "gpt": Role.ASSISTANT,
    "chatgpt": Role.ASSISTANT, "bot": Role.ASSISTANT, "model": Role.ASSISTANT, "tool": Role.TOOL,
    "function": Role.TOOL, "observation": Role.TOOL,
}  # fmt: skip
_MOST_MESSAGES: Final = 20_000
_SAID: Final = ("messages", "conversation", "conversations")
_IDS: Final = ("id", "conversation_id", "conversation_hash")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of a corpus."""

    id: str
    position: int
    """Row in the corpus, from 0."""
    messages: tuple[Message, ...]
    assessments: tuple[Assessment, ...] | None = None
    """For each user message, if the corpus carries them."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is no conversation."""

    position: int
    why: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a corpus that one worker takes."""

    file: str
    number: int
    first: int
    """Position of its first row in the whole corpus."""
    start: int
    """Byte offset in JSONL; row group in Parquet."""
    rows: int


def shards_of(file: Path, rows_per_shard: int) -> list[Shard]:
    """Cut a corpus into parts, in order.

    Raises:
        BadInput: It cannot be read, or is neither JSONL nor Parquet.
    """
    try:
        if file.suffix == ".parquet":
            return list(_row_groups(file))
        return list(_line_blocks(file, rows_per_shard))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:  # pyarrow's own errors are these
        raise BadInput(f"{file}: not Parquet ({str(error).splitlines()[0]})") from None


def read_shard(shard: Shard) -> Iterator[Conversation | Reject]:
    """Yield every row of a part, as a conversation or as what is wrong with it."""
    rows = _parquet_rows(shard) if shard.file.endswith(".parquet") else _json_rows(shard)
    for position, row in rows:
        yield row if isinstance(row, Reject) else conversation_of(row, position)


def conversation_of(row: Any, position: int) -> Conversation | Reject:
    """Read one row: OpenAI messages, ShareGPT, WildChat or LMSYS-Chat columns."""
    if not isinstance(row, dict):
        return Reject(position, "not an object")
    said = next(
        (row[key] for key in ("messages", "conversation", "conversations") if key in row), None
    )
    if not isinstance(said, list) or not said:
        return Reject(position, "has no list of messages, conversation or conversations")
    if len(said) > _MOST_MESSAGES:
        return Reject(position, f"has {len(said)} messages")
    messages: list[Message] = []
    for place, one in enumerate(said):
        message = _message(one)
        if message is None:
            return Reject(position, f"message {place} has no known role or no text")
        messages.append(message)
    ident = next(
        (row[key] for key in ("id", "conversation_id", "conversation_hash") if row.get(key)),
        position,
    )
    return _with_assessments(row, Conversation(str(ident), position, tuple(messages)))


def _message(one: Any) -> Message | None:
    if not isinstance(one, dict):
        return None
    role = _ROLES.get(str(one.get("role", one.get("from", ""))).lower())
    text = one.get("content", one.get("value"))
    if isinstance(text, list):
        parts = [p["text"] for p in text if isinstance(p, dict) and isinstance(p.get("text"), str)]
        text = "\n".join(parts)
    if role is None or not (isinstance(text, str) or text is None):
        return None
    return Message(role, (TextPart(text),) if text else ())


def _with_assessments(row: Mapping[str, Any], read: Conversation) -> Conversation | Reject:
    given = row.get("assessments")
    if given is None:
        return read
    users = sum(message.role is Role.USER for message in read.messages)
    if not isinstance(given, list) or len(given) != users:
        return Reject(read.position, f"needs one assessment for each of {users} user messages")
    try:
        made = tuple(assessment_of(one) for one in given)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return Reject(read.position, f"an assessment cannot be read ({error})")
    return Conversation(read.id, read.position, read.messages, made)


def assessment_of(document: Mapping[str, Any]) -> Assessment:
    """Read an assessment as ``adjourn assess`` prints it.

    Raises:
        ValueError: A probability is none, or a hazard is not known.
    """
    crisis = document.get("crisis") or {}
    scalars = (
        "harm",
        "abuse",
        "wants_end",
        "confirms",
        "declines",
        "insists",
        "refuses",
        "redirects",
    )
    return Assessment(
        str(document.get("detector", "given")),
        {Hazard(name): float(p) for name, p in (document.get("hazards") or {}).items()},
        crisis_self=float(crisis.get("self", 0.0)),
        crisis_others=float(crisis.get("others", 0.0)),
        **{name: float(document.get(name, 0.0)) for name in scalars},
    )


def _line_blocks(file: Path, rows_per_shard: int) -> Iterator[Shard]:
    with file.open("rb") as lines:
        start = first = number = rows = 0
        offset = 0
        for line in lines:
            offset += len(line)
            rows += 1
            if rows == rows_per_shard:
                yield Shard(str(file), number, first, start, rows)
                start, first, number, rows = offset, first + rows, number + 1, 0
        if rows:
            yield Shard(str(file), number, first, start, rows)


def _row_groups(file: Path) -> Iterator[Shard]:
    first = 0
    with pq.ParquetFile(file) as opened:
        for number in range(opened.num_row_groups):
            rows = opened.metadata.row_group(number).num_rows
            yield Shard(str(file), number, first, number, rows)
            first += rows


def _json_rows(shard: Shard) -> Iterator[tuple[int, Any]]:
    with Path(shard.file).open("rb") as lines:
        lines.seek(shard.start)
        for place in range(shard.rows):
            line, position = lines.readline(), shard.first + place
            if not line.strip():
                yield position, Reject(position, "empty line")
                continue
            try:
                yield position, msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield position, Reject(position, f"not JSON: {error}")


def _parquet_rows(shard: Shard) -> Iterator[tuple[int, Any]]:
    with pq.ParquetFile(shard.file) as opened:
        wanted = {*_SAID, *_IDS, "assessments"}
        known = [name for name in opened.schema_arrow.names if name in wanted]
        position = shard.first
        for batch in opened.iter_batches(256, row_groups=[shard.start], columns=known):
            for row in batch.to_pylist():
                yield position, row
                position += 1
