"""The engine ``ray``: parts of a corpus on a Ray cluster, by Ray Data.

Workers are actors of Ray Data, each with its detector; what they return for a part is written here,
so only the corpus must be reachable on every machine, under the same path. Ray replaces an actor
that dies and has its part done again (docs/adr/0018-distributed-replay.md).

The parts are given to Ray as data, not read by it: a read would be a task beside the actors, and
where these hold all processors it would wait for ever.
"""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from adjourn.replay.kernel import RESULTS
from adjourn.replay.parts import Parts
from adjourn.replay.running import Finished
from adjourn.replay.shards import Shard
from adjourn.replay.workers import Brief, Worker

_FIELDS = Shard.__slots__


def ray_is_missing() -> bool:
    """Tell whether the extra is not installed."""
    return find_spec("ray") is None


def on_ray(
    parts: Parts, todo: Sequence[Shard], brief: Brief, workers: int, finished: Finished
) -> None:
    """Do parts on the cluster that ``RAY_ADDRESS`` names, or on one that is started here."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # noqa: TID251 - written: adjourn reports to nobody
    import ray  # noqa: PLC0415 - an extra
    import ray.data  # noqa: PLC0415

    ray.init(log_to_driver=False, configure_logging=False, include_dashboard=False)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        actors = max(1, min(workers, len(todo), int(ray.cluster_resources().get("CPU", 1))))
        given = [{name: getattr(shard, name) for name in _FIELDS} for shard in todo]
        done = ray.data.from_items(given, override_num_blocks=len(given)).map_batches(
            RayWorker,
            fn_constructor_args=(brief,),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=actors),
        )
        by_number = {shard.number: shard for shard in todo}
        for table in done.iter_batches(batch_size=None, batch_format="pyarrow"):
            for number, results in _by_part(table):
                parts.write(by_number[number], results)
                finished(by_number[number])
    finally:
        ray.shutdown()


class RayWorker:
    """An actor: is given a part as a row, returns its results with the part's number."""

    def __init__(self, brief: Brief) -> None:
        self._worker = Worker(brief)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Do the part."""
        (row,) = batch.to_pylist()
        shard = Shard(**row)
        results = pa.Table.from_batches(self._worker.do(shard), RESULTS)
        numbers = pa.repeat(pa.scalar(shard.number, pa.int64()), results.num_rows)
        return results.append_column("part", numbers)


def _by_part(table: Any) -> Iterator[tuple[int, list[pa.RecordBatch]]]:
    """Yield the results in a table, which has whole parts, by the part's number."""
    for number in pc.unique(table.column("part")).to_pylist():
        of_part = table.filter(pc.equal(table.column("part"), number))
        yield number, of_part.select(RESULTS.names).to_batches()
