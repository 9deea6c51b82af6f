"""Runs the parts of a corpus on a pool of processes, and can be stopped and begun again.

A part that is done has a manifest, written last and whole; it is not done again as long as corpus,
policies, detector and cut are the same. A worker that dies costs its part, not the run.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import msgspec

from adjourn.core.audiences import Audience
from adjourn.core.errors import BadInput
from adjourn.core.policy_file import parse_policy
from adjourn.ports import Detector
from adjourn.replay.kernel import Question, replay_shard
from adjourn.replay.reading import Shard

_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Job:
    """A whole run."""

    shards: Sequence[Shard]
    question: Question
    documents: Sequence[str]
    """The policies' documents: workers read them again, since policies cannot be pickled."""
    make_detector: Callable[[], Detector] | None
    """Called once in each worker."""
    detector_name: str
    folder: Path

    @property
    def key(self) -> str:
        """What a finished part must have been made with to be taken over."""
        files = sorted({shard.file for shard in self.shards})
        stats = [(file, Path(file).stat()) for file in files]
        stamps = [(file, one.st_size, one.st_mtime_ns) for file, one in stats]
        digests = [policy.digest for policy in self.question.policies]
        made_of = (stamps, digests, str(self.question.audience), self.detector_name)
        return hashlib.sha256(repr(made_of).encode()).hexdigest()


class _Manifest(msgspec.Struct):
    key: str
    first: int
    rows: int
    conversations: int
    rejects: int


def run_job(job: Job, workers: int, finished: Callable[[Shard], None]) -> None:
    """Do every part that is not done; return when all are.

    Args:
        job: The run.
        workers: Processes.
        finished: Called after each part.

    Raises:
        BadInput: A part failed again and again.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    todo = [shard for shard in job.shards if not _is_done(job, shard)]
    for shard in job.shards:
        if shard not in todo:
            finished(shard)
    for _ in range(_ATTEMPTS):
        if not todo:
            return
        todo = _attempt(job, todo, workers, finished)
    raise BadInput(
        f"{todo[0].file}: {len(todo)} parts failed {_ATTEMPTS} times, the first from row "
        f"{todo[0].first}",
        hint="a worker was killed, perhaps for want of memory: try fewer --workers",
    )


def _attempt(
    job: Job, todo: Sequence[Shard], workers: int, finished: Callable[[Shard], None]
) -> list[Shard]:
    """Do parts side by side; return those that were lost with a worker."""
    left = set(todo)
    context = get_context("spawn")  # the detector has threads, which a fork would break
    brought = (job.make_detector, job.documents, str(job.question.audience))
    with ProcessPoolExecutor(workers, context, _begin, brought) as pool:
        futures: dict[Future[None], Shard] = {
            pool.submit(_do, shard, job.key, job.folder): shard for shard in todo
        }
        try:
            for future in as_completed(futures):
                future.result()
                left.discard(futures[future])
                finished(futures[future])
        except BrokenProcessPool:
            pass
    return [shard for shard in todo if shard in left and not _is_done(job, shard)]


_worker: tuple[Question, Detector | None] | None = None
"""What one worker process has been given."""


def _begin(make: Callable[[], Detector] | None, documents: Sequence[str], audience: str) -> None:
    global _worker  # noqa: PLW0603 - a pool's workers are made so
    policies = tuple(parse_policy(document) for document in documents)
    _worker = Question(policies, Audience(audience)), make() if make is not None else None


def _do(shard: Shard, key: str, folder: Path) -> None:
    """Do one part in a worker."""
    assert _worker is not None
    question, detector = _worker
    good = bad = 0
    with _lines(folder, shard).open("wb") as lines, _rejects(folder, shard).open("wb") as rejects:
        for is_conversation, line in replay_shard(shard, question, detector):
            (lines if is_conversation else rejects).write(line + b"\n")
            good, bad = good + is_conversation, bad + (not is_conversation)
    manifest = _Manifest(key, shard.first, shard.rows, good, bad)
    made = _manifest(folder, shard).with_suffix(".part")
    made.write_bytes(msgspec.json.encode(manifest))
    made.replace(_manifest(folder, shard))


def _is_done(job: Job, shard: Shard) -> bool:
    try:
        manifest = msgspec.json.decode(_manifest(job.folder, shard).read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError):
        return False
    return (manifest.key, manifest.first, manifest.rows) == (job.key, shard.first, shard.rows)


def outcome_lines(job: Job) -> Iterator[bytes]:
    """Yield the lines of all conversations, in the order of the corpus."""
    for shard in job.shards:
        with _lines(job.folder, shard).open("rb") as lines:
            yield from lines


def reject_lines(job: Job) -> Iterator[bytes]:
    """Yield the lines of all rejected rows, in the order of the corpus."""
    for shard in job.shards:
        with _rejects(job.folder, shard).open("rb") as lines:
            yield from lines


def _lines(folder: Path, shard: Shard) -> Path:
    return folder / f"{_stem(shard)}.jsonl"


def _rejects(folder: Path, shard: Shard) -> Path:
    return folder / f"{_stem(shard)}.rejects.jsonl"


def _manifest(folder: Path, shard: Shard) -> Path:
    return folder / f"{_stem(shard)}.manifest.json"


def _stem(shard: Shard) -> str:
    name = hashlib.sha256(shard.file.encode()).hexdigest()[:8]
    return f"{name}-{shard.number:06d}"
