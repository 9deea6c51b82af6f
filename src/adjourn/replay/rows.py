"""One row of a corpus as a conversation, in the columns that public corpora have.

OpenAI messages (``messages``), ShareGPT (``conversations`` with ``from`` and ``value``), WildChat
and LMSYS-Chat (``conversation``). A row that is none says why, and the rest goes on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import pyarrow as pa

from adjourn.core.assessments import PROBABILITIES, Assessment
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role, TextPart

SAID: Final = ("messages", "conversation", "conversations")
"""Columns that may hold the messages."""
MESSAGE_FIELDS: Final = frozenset({"role", "from", "content", "value"})
"""What of a message is read."""
_IDS: Final = ("id", "conversation_id", "conversation_hash")
COLUMNS: Final = (*_IDS, "assessments")
"""Other columns that are read."""

_ROLES: Final[Mapping[Any, Role]] = {
    "system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "human": Role.USER,
    "prompter": Role.USER, "assistant": Role.ASSISTANT, "gpt": Role.ASSISTANT,
    "chatgpt": Role.ASSISTANT, "bot": Role.ASSISTANT, "model": Role.ASSISTANT, "tool": Role.TOOL,
    "function": Role.TOOL, "observation": Role.TOOL,
}  # fmt: skip
_MOST_MESSAGES: Final = 20_000
_HAZARDS: Final[Mapping[str, Hazard]] = {str(hazard): hazard for hazard in Hazard}
_SCALARS: Final = tuple(name for name in PROBABILITIES if not name.startswith("crisis"))


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row that is one."""

    id: str
    position: int
    """Row in the corpus, from 0."""
    said: tuple[tuple[Role, str], ...]
    assessments: tuple[Assessment, ...] | None = None
    """For each user message, if the corpus carries them."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said, as detectors take it."""
        return tuple(Message(role, (TextPart(text),) if text else ()) for role, text in self.said)

    @property
    def user_places(self) -> list[int]:
        """Where the user's messages are."""
        return [place for place, (role, _) in enumerate(self.said) if role is Role.USER]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is no conversation."""

    position: int
    why: str


def conversations_of(batch: pa.RecordBatch) -> Iterator[Conversation | Reject]:
    """Yield every row of a batch, as a conversation or as what is wrong with it."""
    for position, row in _rows_of(batch):
        yield row if isinstance(row, Reject) else conversation_of(row, position)


def conversation_of(row: Any, position: int) -> Conversation | Reject:
    """Read one row."""
    if not isinstance(row, dict):
        return Reject(position, "not an object")
    listed = next((row[key] for key in SAID if row.get(key) is not None), None)
    if not isinstance(listed, list) or not listed:
        return Reject(position, "has no list of messages, conversation or conversations")
    if len(listed) > _MOST_MESSAGES:
        return Reject(position, f"has {len(listed)} messages, more than {_MOST_MESSAGES}")
    said = [_said(one) for one in listed]
    if None in said:
        return Reject(position, f"message {said.index(None)} has no known role or no text")
    ident = next((row[key] for key in _IDS if row.get(key)), position)
    read = Conversation(str(ident), position, tuple(one for one in said if one))
    given = row.get("assessments")
    return read if given is None else _with_assessments(given, read)


def _said(one: Any) -> tuple[Role, str] | None:
    if not isinstance(one, dict):
        return None
    role = _role(one.get("role") or one.get("from"))
    text = one.get("content")
    if text is None:
        text = one.get("value")
    if isinstance(text, list):
        parts = [p["text"] for p in text if isinstance(p, dict) and isinstance(p.get("text"), str)]
        text = "\n".join(parts)
    if role is None or not (isinstance(text, str) or text is None):
        return None
    return role, text or ""


def _role(name: Any) -> Role | None:
    if not isinstance(name, str):
        return None
    return _ROLES.get(name) or _ROLES.get(name.lower())


def _with_assessments(given: Any, read: Conversation) -> Conversation | Reject:
    users = len(read.user_places)
    if not isinstance(given, list) or len(given) != users:
        return Reject(read.position, f"needs one assessment for each of {users} user messages")
    try:
        made = tuple(assessment_of(one) for one in given)
    except KeyError as error:
        return Reject(read.position, f"an assessment has the hazard {error}, which there is not")
    except (TypeError, ValueError, AttributeError) as error:
        return Reject(read.position, f"an assessment cannot be read ({error})")
    return Conversation(read.id, read.position, read.said, made)


def assessment_of(document: Mapping[str, Any]) -> Assessment:
    """Read an assessment as ``adjourn assess`` prints it; what is absent or null is 0.

    Raises:
        ValueError: A probability is none.
        KeyError: There is no such hazard.
    """
    crisis = document.get("crisis") or {}
    scalars = {name: p for name in _SCALARS if (p := document.get(name)) is not None}
    return Assessment(
        document.get("detector") or "given",
        {_HAZARDS[id_]: p for id_, p in (document.get("hazards") or {}).items() if p is not None},
        crisis_self=crisis.get("self") or 0.0,
        crisis_others=crisis.get("others") or 0.0,
        **scalars,
    )


def _rows_of(batch: pa.RecordBatch) -> Iterator[tuple[int, Any]]:
    positions = batch.column("position").to_pylist()
    if "line" not in batch.schema.names:
        yield from zip(positions, batch.to_pylist(), strict=True)
        return
    for position, line in zip(positions, batch.column("line").to_pylist(), strict=True):
        yield position, _decoded(line, position)


def _decoded(line: bytes | None, position: int) -> Any:
    if line is None:
        return Reject(position, "cannot be read: the file is damaged, or changed meanwhile")
    if not line.strip():
        return Reject(position, "empty line")
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Reject(position, f"not JSON: {error}")
