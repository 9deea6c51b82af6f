"""Runs the parts of a corpus on a pool of processes, and can be stopped and begun again.

A worker that dies costs its part, not the run: what has a manifest by then is done, and the rest is
given to a new pool.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import Final

from adjourn.core.errors import BadInput
from adjourn.replay.parts import Parts
from adjourn.replay.shards import Shard
from adjourn.replay.workers import Brief, Worker

ATTEMPTS: Final = 3
_AHEAD: Final = 3
"""Parts handed out for each worker."""

Finished = Callable[[Shard], None]
"""Called after each part."""
Engine = Callable[[Parts, Sequence[Shard], Brief, int, Finished], None]
"""Does parts with so many workers; may return before all are done if workers were lost."""


def run_parts(
    parts: Parts, brief: Brief, workers: int, finished: Finished, engine: Engine | None = None
) -> None:
    """Do every part that is not done; return when all are.

    Args:
        parts: The run.
        brief: What workers are made from.
        workers: How many.
        finished: Called after each part, and for those that were done before.
        engine: Who does them; default: a pool of processes.

    Raises:
        BadInput: A part failed again and again.
    """
    todo = parts.todo()
    waiting = {shard.number for shard in todo}
    for shard in parts.shards:
        if shard.number not in waiting:
            finished(shard)

    def done(shard: Shard) -> None:
        waiting.discard(shard.number)
        finished(shard)

    for _ in range(ATTEMPTS):
        if not todo:
            return
        (engine or pool)(parts, todo, brief, workers, done)
        for shard in todo:  # written, but its worker or the pool was lost before it could say so
            if shard.number in waiting and parts.is_written(shard):
                done(shard)
        todo = [shard for shard in todo if shard.number in waiting]
    if todo:
        raise BadInput(
            f"{todo[0].file}: {len(todo)} parts failed {ATTEMPTS} times, the first from row "
            f"{todo[0].first}",
            hint="a worker was killed, perhaps for want of memory: try fewer --workers",
        )


def pool(
    parts: Parts, todo: Sequence[Shard], brief: Brief, workers: int, finished: Finished
) -> None:
    """Do parts on processes of this machine, a few ahead of those that are under way."""
    context = get_context("spawn")  # the detector has threads, which a fork would break
    left = iter(todo)
    workers = min(workers, len(todo))
    with ProcessPoolExecutor(workers, context, _begin, (parts, brief)) as processes:
        under_way: dict[Future[None], Shard] = {}
        try:
            while True:
                for shard in islice(left, workers * _AHEAD - len(under_way)):
                    under_way[processes.submit(_do, shard)] = shard
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    future.result()
                    finished(under_way.pop(future))
        except BrokenProcessPool:
            return


_mine: tuple[Parts, Worker] | None = None
"""What one worker process has been given."""


def _begin(parts: Parts, brief: Brief) -> None:
    global _mine  # noqa: PLW0603 - a pool's workers are made so
    worker = Worker(brief)
    _mine = parts, worker
    Finalize(None, worker.close, exitpriority=1)  # at the end of a process that nobody killed


def _do(shard: Shard) -> None:
    """Do one part in a worker."""
    assert _mine is not None
    parts, worker = _mine
    parts.write(shard, worker.do(shard))
