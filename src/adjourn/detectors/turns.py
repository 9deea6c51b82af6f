"""What of a conversation a model on another machine gets to read, and in which pieces.

Users' and the assistant's messages, the newest whole. One that is longer than a window is judged
in several windows that overlap; one longer than ``MOST_WINDOWS`` of them is sampled evenly, its
beginning and end always among the samples. Older messages are cut in the middle, which is marked,
and the oldest left out, so that all of it fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from adjourn.core.messages import Message, Role

WINDOW_CHARS: Final = 6_000
"""Characters of the newest message in one window; 1,500 to 3,000 tokens of most text."""
OVERLAP_CHARS: Final = 300
MOST_WINDOWS: Final = 8
CONTEXT_CHARS: Final = 6_000
"""Characters of all earlier messages together; with a window, they fit into 8,192 tokens."""
CONTEXT_TURN_CHARS: Final = 1_500
"""Characters of one earlier message."""
CUT: Final = "\n[\u2026]\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of the two said."""

    role: Literal["user", "assistant"]
    text: str

    @property
    def by_user(self) -> bool:
        """Whether the user said it."""
        return self.role == "user"


def readable(conversation: Sequence[Message]) -> list[tuple[Turn, ...]]:
    """Return the windows in which the newest message is judged; none if it has no text."""
    if not conversation:
        return []
    newest = _turn(conversation[-1])
    if newest is None:
        return []
    context = _fitting(conversation[:-1])
    return [(*context, Turn(newest.role, piece)) for piece in pieces(newest.text)]


def pieces(text: str) -> list[str]:
    """Return a text in pieces of at most ``WINDOW_CHARS`` that overlap."""
    stride = WINDOW_CHARS - OVERLAP_CHARS
    starts = list(range(0, max(1, len(text) - OVERLAP_CHARS), stride))
    if len(starts) > MOST_WINDOWS:
        step = (len(text) - WINDOW_CHARS) / (MOST_WINDOWS - 1)
        starts = [round(i * step) for i in range(MOST_WINDOWS)]
    return [text[start : start + WINDOW_CHARS] for start in starts]


def alternating(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns so that user and assistant alternate, the user first.

    Chat templates of guard models insist on it. Turns of one speaker are joined; those directly
    before the newest by the same speaker are left out, since they have been judged themselves.
    """
    newest = turns[-1]
    joined: list[Turn] = []
    for turn in turns[:-1]:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Turn(turn.role, f"{joined[-1].text}\n\n{turn.text}")
        else:
            joined.append(turn)
    if joined and joined[-1].role == newest.role:
        joined.pop()
    if joined and not joined[0].by_user:
        joined.pop(0)
    return (*joined, newest)


def as_messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return turns in the shape of chat messages."""
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def disarmed(text: str) -> str:
    """Return a text in which no mark of a prompt template stands whole.

    Servers turn such marks into control tokens wherever they stand, so that a message could close
    its own turn and go on as somebody else; guard models' own templates frame the conversation
    with lines in angle brackets. A blank after the first character is enough.
    """
    for mark in _MARKS:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


_MARKS: Final = (
    "<|", "|>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<s>", "</s>", "[INST]",
    "[/INST]", "<BEGIN ", "<END ", "<guardian>", "</guardian>", "<think>", "</think>", "<score>",
    "</score>", "<<<", ">>>",
)  # fmt: skip


def _turn(message: Message) -> Turn | None:
    # Lone surrogates cannot be sent: JSON over HTTP is UTF-8.
    text = disarmed(message.text.encode("utf-8", "replace").decode()).strip()
    if not text:
        return None
    if message.role is Role.USER:
        return Turn("user", text)
    return Turn("assistant", text) if message.role is Role.ASSISTANT else None


def _fitting(before: Sequence[Message]) -> list[Turn]:
    """Return the latest turns that fit; messages further back are not even looked at."""
    kept: list[Turn] = []
    left = CONTEXT_CHARS
    for turn in filter(None, map(_turn, reversed(before))):
        text = _cut(turn.text)
        if len(text) > left:
            break
        left -= len(text)
        kept.append(Turn(turn.role, text))
    return kept[::-1]


def _cut(text: str) -> str:
    if len(text) <= CONTEXT_TURN_CHARS:
        return text
    half = (CONTEXT_TURN_CHARS - len(CUT)) // 2
    return f"{text[:half]}{CUT}{text[-half:]}"
