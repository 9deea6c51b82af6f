"""What is kept of each part of a corpus: its lines, and a manifest that is written last and whole.

A part with a manifest is done, and not done again as long as corpus, policies, detector and cut are
the same and the detector answered for every message. Whoever did it wrote the same bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from adjourn.core.audiences import Audience
from adjourn.replay.kernel import Question
from adjourn.replay.shards import Shard
from adjourn.replay.tally import Line, Tally, count

FORMAT: Final = 2
"""Of the lines; parts of another one are done again."""
CONVERSATIONS: Final = "jsonl"
REJECTS: Final = "rejects.jsonl"
CHANGES: Final = "changes.jsonl"
_MANIFEST: Final = "manifest.json"
_line = msgspec.json.Decoder(Line)


@dataclass(frozen=True, slots=True)
class Task:
    """What all parts of a run have in common, as it is handed to workers."""

    documents: tuple[str, ...]
    """The policies' documents: workers read them again, since policies cannot be pickled."""
    audience: Audience
    detector: str
    """All that its answers depend on; empty if none is asked."""


class Manifest(msgspec.Struct):
    """A part that is done."""

    key: str
    first: int
    rows: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one run in a directory."""

    folder: Path
    shards: Sequence[Shard]
    key: str

    def todo(self) -> list[Shard]:
        """Return the parts that are not done."""
        return [shard for shard in self.shards if not self._is_done(shard)]

    def is_written(self, shard: Shard) -> bool:
        """Tell whether a part has a manifest, be it that the detector failed at some messages."""
        return self._manifest(shard) is not None

    def write(self, shard: Shard, results: Iterable[pa.RecordBatch]) -> None:
        """Write a part's lines as they come, then its manifest.

        Raises:
            ValueError: The results are not those of every row of the part.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path(shard, _MANIFEST).unlink(missing_ok=True)
        tally = Tally()
        with (
            self._path(shard, CONVERSATIONS).open("wb") as lines,
            self._path(shard, REJECTS).open("wb") as rejects,
            self._path(shard, CHANGES).open("wb") as changes,
        ):
            for batch in results:
                for is_conversation, line in _pairs(batch):
                    (lines if is_conversation else rejects).write(line + b"\n")
                    if not is_conversation:
                        tally.rejected += 1
                    elif (change := count(tally, _line.decode(line))) is not None:
                        changes.write(msgspec.json.encode(change) + b"\n")
        if tally.conversations + tally.rejected != shard.rows:
            raise ValueError(f"{shard.file}: rows of part {shard.number} are missing")
        made = self._path(shard, _MANIFEST + ".part")
        made.write_bytes(msgspec.json.encode(Manifest(self.key, shard.first, shard.rows, tally)))
        made.replace(self._path(shard, _MANIFEST))

    def tallies(self) -> Iterator[Tally]:
        """Yield the tally of every part that is written."""
        for shard in self.shards:
            if (found := self._manifest(shard)) is not None:
                yield found.tally

    def lines(self, kind: str) -> Iterator[bytes]:
        """Yield the lines of one kind, in the order of the corpus."""
        for shard in self.shards:
            with self._path(shard, kind).open("rb") as lines:
                yield from lines

    def _is_done(self, shard: Shard) -> bool:
        found = self._manifest(shard)
        return found is not None and not found.tally.unjudged

    def _manifest(self, shard: Shard) -> Manifest | None:
        """Return the manifest of a part; None if there is none, or one of another run."""
        try:
            found = msgspec.json.decode(self._path(shard, _MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            return None
        wanted = (self.key, shard.first, shard.rows)
        return found if (found.key, found.first, found.rows) == wanted else None

    def _path(self, shard: Shard, kind: str) -> Path:
        return self.folder / f"{shard.number:07d}.{kind}"


def key_of(shards: Sequence[Shard], question: Question, task: Task) -> str:
    """Return what a finished part must have been made with to be taken over."""
    files = dict.fromkeys(shard.file for shard in shards)
    stats = [(file, Path(file).stat()) for file in files]
    stamps = [(file, one.st_size, one.st_mtime_ns) for file, one in stats]
    digests = [policy.digest for policy in question.policies]
    made_of = (FORMAT, stamps, digests, str(question.audience), task.detector)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def _pairs(batch: pa.RecordBatch) -> Iterator[tuple[bool, bytes]]:
    kinds = batch.column("is_conversation").to_pylist()
    return zip(kinds, batch.column("line").to_pylist(), strict=True)
