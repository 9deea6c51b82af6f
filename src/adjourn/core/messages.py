"""Messages and their canonical form.

Lives here: roles, content parts, the bytes that stand for a message in its node id.
Does not live here: any dialect's JSON (see ``adjourn.wire``), or how ids are chained (``tree``).
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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

    Lone surrogates (JSON allows them, UTF-8 does not) are kept apart by ``surrogatepass``.
    Empty text parts are dropped, so that ``""``, ``[]`` and ``[""]`` are the same content.
    """
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0], TextPart):  # nearly always
        return canonical_text(parts[0].text)
    return frame(*(field for part in parts if (field := _canonical_part(part))))


def canonical_text(text: str) -> bytes:
    """Return the canonical content of a message of one text part."""
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
