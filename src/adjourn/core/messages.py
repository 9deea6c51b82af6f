"""Messages and their canonical form.

Lives here: roles, content parts, the bytes that stand for a message in its node id.
Does not live here: any dialect's JSON (see ``adjourn.wire``), or how ids are chained (``tree``).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, overload


class Role(StrEnum):
    """Who a message is from. Developer prompts are ``SYSTEM``; function results are ``TOOL``."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A run of text."""

    text: str


@dataclass(frozen=True, slots=True)
class OpaquePart:
    """A part that is not text (image, audio, file), kept as the bytes its dialect sent."""

    kind: str
    data: bytes


Part = TextPart | OpaquePart


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined by newlines; empty if there are none."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @classmethod
    def of(cls, role: Role | str, text: str) -> "Message":
        """Make a message of one text part."""
        return cls(Role(role), (TextPart(text),))


class Beginning(Sequence[Message]):
    """The first messages of a conversation, without a copy of them.

    Every message of a history is judged with all that was before it. Copies would take memory
    that grows with the square of the history, which is a client's to send.

    Args:
        whole: The conversation; it may not change afterwards.
        length: How many of its messages, 0 to all.
    """

    __slots__ = ("length", "whole")

    def __init__(self, whole: Sequence[Message], length: int) -> None:
        self.whole: Sequence[Message] = whole.whole if isinstance(whole, Beginning) else whole
        self.length = length

    def __len__(self) -> int:
        """Return the number of messages."""
        return self.length

    @overload
    def __getitem__(self, at: int) -> Message: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Message]: ...

    def __getitem__(self, at: int | slice) -> Message | Sequence[Message]:
        """Return a message, or some in a row; what begins at the first is no copy either."""
        if isinstance(at, slice):
            places = range(self.length)[at]
            if places.step == 1 and (places.start == 0 or not places):
                return Beginning(self.whole, len(places))
            return tuple(self.whole[place] for place in places)
        return self.whole[range(self.length)[at]]


def fold_text(text: str) -> str:
    """Return ``text`` in Unicode NFC, trimmed, each inner run of whitespace as one space."""
    if text.isascii():
        is_plain = not _has_other_space(text)
    else:
        text = unicodedata.normalize("NFC", text)
        is_plain = text.isprintable()  # the only printable whitespace is the space
    return text.strip(" ") if is_plain and "  " not in text else " ".join(text.split())


def _has_other_space(text: str) -> bool:
    """Tell whether ASCII text has whitespace other than the space.

    To search for each is ten times as quick as to look at every letter.
    """
    return (
        "\n" in text
        or "\t" in text
        or "\r" in text
        or "\v" in text
        or "\f" in text
        or "\x1c" in text
        or "\x1d" in text
        or "\x1e" in text
        or "\x1f" in text
    )


_THOUGHTS: Final = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
"""How reasoning models mark what they think, where their server leaves it in the text."""


def aloud(text: str) -> str:
    """Return what a reply says, without the reasoning that some servers leave in its text.

    Clients show reasoning apart, if at all, and do not send it back. The first mark is often part
    of the server's template, so that only the second one is in the text.

    >>> aloud("<think>They are rude.</think>Let us talk about something else.")
    'Let us talk about something else.'
    """
    if "think>" not in text and "thinking>" not in text:
        return text  # nearly always
    for begins, ends in _THOUGHTS:
        *before, rest = text.split(ends)
        text = "".join([*(one[: max(0, one.rfind(begins))] for one in before), rest])
        if text.lstrip().startswith(begins):
            return ""  # it never got beyond thinking
    return text


def frame(*fields: bytes) -> bytes:
    """Join fields so that no two different lists of fields give the same bytes.

    Each field is preceded by its length as eight big-endian bytes, the list by its count.
    """
    count = len(fields).to_bytes(8, "big")
    return count + b"".join([len(field).to_bytes(8, "big") + field for field in fields])


NO_CONTENT: Final = frame()
"""Canonical content of a message that says nothing."""

_ONE: Final = frame(b"")[:8]
"""How a frame of one field begins."""

_TEXT: Final = frame(b"text", b"")[:-8]
"""How the frame of a text part begins; its length and the text follow."""


def canonical_content(message: Message) -> bytes:
    """Return the bytes that stand for a message's content in its node id.

    Of an assistant's message it is what was said aloud. Lone surrogates (JSON allows them, UTF-8
    does not) are kept apart by ``surrogatepass``.
    Empty text parts are dropped, so that ``""``, ``[]`` and ``[""]`` are the same content.
    """
    parts = message.parts
    if message.role is Role.ASSISTANT:
        parts = tuple(TextPart(aloud(p.text)) if isinstance(p, TextPart) else p for p in parts)
    if len(parts) == 1 and isinstance(parts[0], TextPart):  # nearly always
        return _canonical_text(parts[0].text)
    return frame(*(field for part in parts if (field := _canonical_part(part))))


def _canonical_text(text: str) -> bytes:
    part = _canonical_text_part(text)
    return _ONE + len(part).to_bytes(8, "big") + part if part else NO_CONTENT


def _canonical_part(part: Part) -> bytes:
    """Return the bytes that stand for a part, none for a text that says nothing."""
    if isinstance(part, TextPart):
        return _canonical_text_part(part.text)
    return frame(b"opaque", part.kind.encode("utf-8", "surrogatepass"), part.data)


def _canonical_text_part(text: str) -> bytes:
    folded = fold_text(text).encode("utf-8", "surrogatepass")
    return _TEXT + len(folded).to_bytes(8, "big") + folded if folded else b""
