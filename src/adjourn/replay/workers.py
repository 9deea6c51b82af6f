"""One worker, of whatever engine: policies and detector, read once, and parts of a corpus done."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from adjourn.core.assessments import Assessed
from adjourn.core.messages import Message
from adjourn.core.policy_file import parse_policy
from adjourn.ports import Detector
from adjourn.replay.kernel import Question, replay_batch
from adjourn.replay.parts import Task
from adjourn.replay.shards import Shard, read_batches


@dataclass(frozen=True, slots=True)
class Brief:
    """What a worker is made from; can be pickled."""

    task: Task
    make_detector: Callable[[], Detector] | None


class Worker:
    """Does parts. It keeps one event loop, which a detector's connections belong to."""

    def __init__(self, brief: Brief) -> None:
        policies = tuple(parse_policy(document) for document in brief.task.documents)
        self._question = Question(policies, brief.task.audience)
        self._detector = brief.make_detector() if brief.make_detector is not None else None
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the detector and of the loop."""
        if self._detector is not None:
            self._runner.run(self._detector.aclose())
        self._runner.close()

    def do(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """Yield the results of a part, batch by batch."""
        judge = self._judge if self._detector is not None else None
        for batch in read_batches(shard):
            yield replay_batch(batch, self._question, judge)

    def _judge(self, asked: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        assert self._detector is not None
        return self._runner.run(self._detector.assess(asked))
