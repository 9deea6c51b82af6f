"""What the tests of all streams share: bytes fed to a reader in pieces, and what of it passed."""

from collections.abc import Sequence
from itertools import pairwise

from adjourn.wire.dialect import Frame, FrameKind, Reader, StreamEnd


def feed(
    reader: Reader, data: bytes, cuts: Sequence[int] | None = None
) -> tuple[list[Frame], StreamEnd]:
    """Feed bytes, cut at any places; return the frames and how it ended."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts or ())})
    frames: list[Frame] = []
    for start, end in pairwise(places):
        frames += reader.feed(data[start:end])
    return frames, reader.end()


def passed(frames: Sequence[Frame]) -> bytes:
    """The bytes that may reach the client at once."""
    return b"".join(frame.raw for frame in frames if frame.kind is FrameKind.PASS)
