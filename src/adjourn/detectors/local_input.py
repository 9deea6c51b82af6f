"""What the local detector reads: folding of disguised text, windows, token ids.

Training and serving both go through here, so that the network never sees anything else.
Nothing here knows of models or threads.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adjourn.core.messages import Message, Role

NEWEST_TOKENS: Final = 96
"""Tokens of the newest message in one window."""
STRIDE: Final = 80
"""Tokens from the start of one window to the start of the next: windows overlap by 16."""
MAX_WINDOWS: Final = 16
"""Most windows judged of one message, about 1,200 words in full."""
LONG_CHARS: Final = 12_000
"""Longer texts are not read in full: MAX_WINDOWS slices of SLICE_CHARS, evenly spaced."""
SLICE_CHARS: Final = 700
"""Characters of one such slice; the first is the beginning of the text, the last its end."""

_CLS, _SEP = 101, 102
_NEWEST_BY_USER, _NEWEST_BY_ASSISTANT, _BEFORE_BY_USER, _BEFORE_BY_ASSISTANT = 1, 2, 3, 4
"""Ids of [unused0] to [unused3] in the vocabulary, which no text can produce."""

_USER_HEAD, _USER_TAIL = 14, 8
_ASSISTANT_HEAD, _ASSISTANT_TAIL = 14, 14
_CONTEXT_CHARS: Final = 400
"""More characters than the tokens kept of either end of a context message can span."""

_INVISIBLE: Final = frozenset(
    (
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE0080),
    )
)
_HOMOGLYPHS: Final = str.maketrans(
    "аеорсухіјѕԁһңкмтвнАВЕКМНОРСТУХαεορτυνικΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑɡʟʀ",
    "aeopcyxijsdhhkmtbhABEKMHOPCTYXaeoptuvikABEZHIKMNOPTYXiaglr",
)
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")


class Tokens(Protocol):
    """Turns text into token ids, without special tokens."""

    def __call__(self, text: str) -> Sequence[int]:
        """Return the ids of a text."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the network: ``ids`` and, as long, ``kinds`` (0 newest message, 1 context)."""

    ids: tuple[int, ...]
    kinds: tuple[int, ...]


def windows(conversation: Sequence[Message], tokens: Tokens) -> list[Window]:
    """Return the windows in which the newest message is judged; none if there is nothing to read.

    A text that folding changes is read both ways, raw first.
    """
    if not conversation or conversation[-1].role not in (Role.USER, Role.ASSISTANT):
        return []
    newest = conversation[-1]
    role = _NEWEST_BY_USER if newest.role is Role.USER else _NEWEST_BY_ASSISTANT
    context = _context(relevant(conversation)[:-1], tokens)
    found: list[Window] = []
    for text in (reading for part in _slices(newest.text) for reading in readings(part)):
        for piece in _pieces(text, tokens):
            ids = [_CLS, role, *piece, _SEP]
            kinds = (0,) * len(ids) + (1,) * len(context)
            window = Window((*ids, *context), kinds)
            if window not in found:
                found.append(window)
    return found


def readings(text: str) -> list[str]:
    """Return the text, and the text without disguise if that is different; none if it is blank."""
    printable = _printable(text)
    raw = " ".join(printable.split())
    if not raw:
        return []
    plain = unfold(printable)
    if not plain:
        return []
    return [raw] if plain.casefold() == raw.casefold() else [raw, plain]


def unfold(text: str) -> str:
    """Return ``text`` with common disguises undone.

    Compatibility forms and invisible characters go; letters of other alphabets that look Latin
    become Latin in words that mix both; digits and signs inside words become the letters they
    stand for; letters spaced out one by one are joined, wider gaps ending a word.
    """
    seen = "".join(c for c in text if ord(c) not in _INVISIBLE)
    folded = unicodedata.normalize("NFKC", seen)
    # "k i l l   m e": runs of spaces are kept apart from single ones until letters are joined.
    groups = [group.split() for group in folded.replace("\n", "  ").split("  ")]
    joined = (_join_spaced(group) for group in groups if group)
    return " ".join(_plain_word(word) for words in joined for word in words)


def _plain_word(word: str) -> str:
    latin = any("a" <= c <= "z" or "A" <= c <= "Z" for c in word)
    if not word.isascii() and latin:
        word = word.translate(_HOMOGLYPHS)
    core = word.strip(".,;:!?\"'()[]")
    letters = sum(c.isalpha() for c in core)
    disguised = sum(c in "013457@$!|" for c in core)
    if letters and disguised and letters >= disguised and core.isascii() and _leet_like(core):
        word = word.replace(core, core.translate(_LEET))
    return word


def _leet_like(core: str) -> bool:
    """Tell ``k1ll`` and ``h4te`` from ``20th``, ``mp3``, ``x86`` and addresses."""
    if "://" in core or core.count("@") + core.count(".") > 1 or "=" in core or "_" in core:
        return False
    stripped = core.strip("0123456789")
    if len(core) <= 2:
        return core.lower() == "t0"
    return any(c in "013457@$!|" for c in stripped) or (core[0] in "@$" and core[1:].isalpha())


def _join_spaced(words: Sequence[str]) -> Iterator[str]:
    """Join runs of at least four single characters, and words spelt ``k.i.l.l`` or ``k-i-l-l``."""
    run: list[str] = []
    for word in words:
        if len(word) == 1 and word.isalnum():
            run.append(word)
            continue
        yield from _end_of_run(run)
        run = []
        yield _undotted(word)
    yield from _end_of_run(run)


def _end_of_run(run: list[str]) -> list[str]:
    return ["".join(run)] if len(run) >= 4 and not all(c.isdigit() for c in run) else run


def _undotted(word: str) -> str:
    for mark in ".-_*":
        parts = word.strip(mark).split(mark)
        if len(parts) >= 4 and all(len(part) == 1 and part.isalpha() for part in parts):
            return "".join(parts)
    return word


def _printable(text: str) -> str:
    """Replace what cannot be encoded or printed (lone surrogates, controls) by spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def _slices(text: str) -> list[str]:
    """Return the text, or of a very long one evenly spaced slices, its two ends among them."""
    if len(text) <= LONG_CHARS:
        return [text]
    step = (len(text) - SLICE_CHARS) / (MAX_WINDOWS - 1)
    starts = [round(i * step) for i in range(MAX_WINDOWS)]
    return [text[start : start + SLICE_CHARS] for start in starts]


def _pieces(text: str, tokens: Tokens) -> Iterator[tuple[int, ...]]:
    ids = tuple(tokens(text))
    starts = list(range(0, max(1, len(ids) - NEWEST_TOKENS + STRIDE), STRIDE))
    if len(starts) > MAX_WINDOWS:  # evenly spaced, the first and the last always among them
        last = len(starts) - 1
        starts = [starts[round(i * last / (MAX_WINDOWS - 1))] for i in range(MAX_WINDOWS)]
    for start in starts:
        yield ids[start : start + NEWEST_TOKENS]


def relevant(conversation: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages that a judgement depends on, oldest first: at most three.

    The newest; the latest by the user before it; and, if the newest is by the user, the latest
    reply since then.
    """
    newest = conversation[-1]
    replied: Message | None = None
    for message in reversed(conversation[:-1]):
        if message.role is Role.USER:
            return (message, replied, newest) if replied else (message, newest)
        if message.role is Role.ASSISTANT and replied is None and newest.role is Role.USER:
            replied = message
    return (replied, newest) if replied else (newest,)


def _context(before: Sequence[Message], tokens: Tokens) -> list[int]:
    """Return ids of the messages before the newest one, each cut to its two ends."""
    ids: list[int] = []
    for message in before:
        if message.role is Role.USER:
            ids += [_BEFORE_BY_USER, *_ends(message.text, tokens, _USER_HEAD, _USER_TAIL)]
        else:
            ends = _ends(message.text, tokens, _ASSISTANT_HEAD, _ASSISTANT_TAIL)
            ids += [_BEFORE_BY_ASSISTANT, *ends]
    return [*ids, _SEP] if ids else []


def _ends(text: str, tokens: Tokens, head: int, tail: int) -> list[int]:
    text = " ".join(_printable(text).split())
    if len(text) > 2 * _CONTEXT_CHARS:
        text = f"{text[:_CONTEXT_CHARS]} {text[-_CONTEXT_CHARS:]}"
    ids = list(tokens(text))
    return ids if len(ids) <= head + tail else [*ids[:head], *ids[-tail:]]
