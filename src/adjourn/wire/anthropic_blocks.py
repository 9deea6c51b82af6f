"""Content blocks of Anthropic Messages: growing from their deltas, and what they amount to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from adjourn.core.turns import ModelReply

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

ENDS_A_CALL: Final = ("tool_use", "end_turn")
"""Stop reasons with which servers end a reply that calls a tool."""
PAUSED: Final = "pause_turn"
"""Stop reason of a turn that the client is to have gone on with, as it is."""
_GROWS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class Block:
    """One content block, growing while its deltas arrive."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        self.start = dict(start)
        self._pieces: dict[str, list[str]] = {}
        self._input: list[str] = []

    @property
    def kind(self) -> str:
        """The block's type; empty if it has none."""
        kind = self.start.get("type")
        return kind if isinstance(kind, str) else ""

    def add(self, delta: Mapping[str, Any]) -> str:
        """Take one delta; return its text if it adds any to a text block."""
        kind = delta.get("type")
        if kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
            self._input.append(delta["partial_json"])
        key = _GROWS.get(kind) if isinstance(kind, str) else None
        piece = delta.get(key) if key else None
        if key is None or not isinstance(piece, str):
            return ""
        self._pieces.setdefault(key, []).append(piece)
        return piece if key == "text" else ""

    def whole(self) -> dict[str, Any] | None:
        """Return the block as a whole reply has it; None if its input is not complete."""
        block = dict(self.start)
        for key, pieces in self._pieces.items():
            block[key] = "".join([_text(block.get(key)), *pieces])
        if "".join(self._input).strip():
            try:
                block["input"] = _decode("".join(self._input))
            except (msgspec.DecodeError, RecursionError):
                return None
        return block


def text_of_blocks(blocks: Sequence[Any]) -> str:
    """Return what the assistant says in these blocks."""
    texts = (b.get("text") for b in blocks if isinstance(b, dict) and b.get("type") == "text")
    return "".join(text for text in texts if isinstance(text, str))


def is_call(block: Any, tool: str | None = None) -> bool:
    """Tell whether a block calls a tool of the client's, or this very tool."""
    calls = isinstance(block, dict) and block.get("type") == "tool_use"
    return calls and (tool is None or block.get("name") == tool)


def reply_of(
    blocks: Sequence[Any], stop_reason: Any, tool: str | None
) -> tuple[ModelReply, tuple[bytes, str] | None]:
    """Return what a reply says and calls, and its one end call as a round, if exactly one counts.

    Args:
        blocks: The reply's content; None stands for a block that is not complete.
        stop_reason: Why it stopped.
        tool: Name of the end tool, if its calls are to be recognised.
    """
    text = text_of_blocks(blocks)
    ours = [b for b in blocks if tool and is_call(b, tool)]
    others = stop_reason == PAUSED or any(is_call(b) and b not in ours for b in blocks)
    counts = len(ours) == 1 and not others and None not in blocks
    if not counts or stop_reason not in ENDS_A_CALL or not isinstance(ours[0].get("input"), dict):
        return ModelReply((text,), 0, others, bool(ours)), None
    ident = _text(ours[0].get("id")) or "toolu_adjourn"
    said = [{**b, "id": ident} if is_call(b) else b for b in blocks if not _is_empty(b)]
    return ModelReply((text,), 1), (_encode({"role": "assistant", "content": said}), ident)


def _is_empty(block: Mapping[str, Any]) -> bool:
    """Whether it is a text block without text, which the API takes from nobody."""
    return block.get("type") == "text" and not block.get("text")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
