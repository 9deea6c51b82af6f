"""How fast `adjourn replay` is, beside the detector alone, one worker and another engine.

    python benchmarks/replay.py [--turns 1000000] [--judged 2000] [--only kernel,pool] [--json]

The corpus is made from the templates and scenarios of `adjourn eval`: a turn is a message and a
reply, and each carries an assessment with all probabilities that `adjourn assess` prints. Parts:

kernel    reading, deciding and writing in one process, in turns per second of processor time, with
          assessments given, one policy and two compared
detector  the same without assessments, beside the detector alone on the same messages, which all
          differ, so that nothing is remembered
pool      wall time of one and of two workers, and the peak of memory of all processes (PSS)
ray       wall time on Ray beside the pool's, two workers each, if the extra is there, from call to
          last part: with assessments given, and with the detector on six times --judged turns
"""

import argparse
import asyncio
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adjourn.core.assessments import PROBABILITIES
from adjourn.core.audiences import Audience
from adjourn.core.hazards import Hazard
from adjourn.detectors.local import LocalDetector
from adjourn.evals.benign import benign_scenarios
from adjourn.evals.labels import assessment_of
from adjourn.evals.scenarios import ladder_scenarios
from adjourn.replay.kernel import Question, _prefixes
from adjourn.replay.on_ray import on_ray
from adjourn.replay.parts import Parts, Task, key_of
from adjourn.replay.rows import Conversation, conversations_of
from adjourn.replay.running import Engine, pool, run_parts
from adjourn.replay.shards import read_batches, shards_of
from adjourn.replay.tally import total
from adjourn.replay.workers import Brief, Worker
from adjourn.runtime.policies import load_policy

REPLY = "Of course. Here is what I would try first; tell me how it goes. " * 4
SCALARS = [name for name in PROBABILITIES if not name.startswith("crisis")]


def write_corpus(file: Path, turns: int, *, judged: bool) -> None:
    """Write conversations until there are so many turns."""
    rng = random.Random(1)
    kinds = [*benign_scenarios(), *(one for one in ladder_scenarios() if one.moves)]
    written = 0
    with file.open("w", encoding="utf-8") as lines:
        while written < turns:
            messages, assessments = [], []
            for move in rng.choice(kinds).moves:
                written += 1
                said = f"{move.say} ({written})"
                messages.append({"role": "user", "content": said})
                messages.append({"role": "assistant", "content": REPLY})
                assessments.append(_noisy(move.signals, rng))
            row: dict[str, Any] = {"id": f"c{written}", "messages": messages}
            lines.write(json.dumps({**row, "assessments": assessments} if judged else row) + "\n")


def _noisy(signals: str, rng: random.Random) -> dict[str, Any]:
    sure = assessment_of(signals)

    def p(value: float) -> float:
        return round(max(value, 0.3 * rng.random() ** 6), 4)

    return {
        "hazards": {str(hazard): p(sure.hazards.get(hazard, 0.0)) for hazard in Hazard},
        "crisis": {"self": p(sure.crisis_self) / 2, "others": p(sure.crisis_others) / 2},
        **{name: p(getattr(sure, name)) for name in SCALARS},
    }


def started(file: Path, folder: str, *names: str, rows: int = 2000) -> tuple[Parts, Task]:
    """Return the parts of a run that has not begun."""
    loaded = [load_policy(name) for name in names]
    task = Task(tuple(text for _, text in loaded), Audience.UNKNOWN, "")
    shards = shards_of([file], rows)
    question = Question(tuple(policy for policy, _ in loaded), Audience.UNKNOWN)
    return Parts(Path(folder), shards, key_of(shards, question, task)), task


def kernel(file: Path) -> dict[str, Any]:
    """Time everything that a worker does with a corpus that carries assessments."""
    found: dict[str, Any] = {}
    for names in (("consumer-chat",), ("consumer-chat", "companion")):
        best = 0.0
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                parts, task = started(file, folder, *names)
                with Worker(Brief(task, None)) as worker:
                    begun = time.process_time()
                    for shard in parts.shards:
                        parts.write(shard, worker.do(shard))
                    taken = time.process_time() - begun
                best = max(best, total(parts.tallies()).user_messages / taken)
        found["two policies" if len(names) > 1 else "one policy"] = round(best)
    return {"turns per second of processor": found}


def detector(file: Path) -> dict[str, Any]:
    """Time the shipped detector alone, and through a replay."""
    (shard,) = shards_of([file], 10**9)
    read = [
        one
        for batch in read_batches(shard)
        for one in conversations_of(batch)
        if isinstance(one, Conversation)
    ]
    prefixes = list(_prefixes(read))
    alone, through = [], []
    for _ in range(2):
        judge = LocalDetector()
        begun = (time.perf_counter(), time.process_time())
        asyncio.run(judge.assess(prefixes))
        alone.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
        asyncio.run(judge.aclose())
        with tempfile.TemporaryDirectory() as folder:
            parts, task = started(file, folder, "consumer-chat", rows=10**9)
            with Worker(Brief(task, LocalDetector)) as worker:
                begun = (time.perf_counter(), time.process_time())
                parts.write(parts.shards[0], worker.do(parts.shards[0]))
                through.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    wall = min(one for one, _ in alone) / min(one for one, _ in through)
    processor = min(one for _, one in alone) / min(one for _, one in through)
    return {
        "messages": len(prefixes),
        "detector alone, messages per second": round(len(prefixes) / min(a for a, _ in alone)),
        "share kept in a replay": {"wall": round(wall, 3), "processor": round(processor, 3)},
    }


def timed(
    file: Path, workers: int, engine: Engine, make: type[LocalDetector] | None = None
) -> dict[str, float]:
    """Run a corpus; return seconds, seconds to the first part, and the peak of memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        parts, task = started(file, folder, "consumer-chat", rows=200 if make else 2000)
        done: list[float] = []

        def finished(_: object) -> None:
            done.append(time.perf_counter() - begun)

        with peak_memory() as peak:
            run_parts(parts, Brief(task, make), workers, finished, engine)
        turns = total(parts.tallies()).user_messages
    return {
        "seconds": round(done[-1], 2),
        "to the first part": round(done[0], 2),
        "turns per second": round(turns / done[-1]),
        "peak MB": round(max(peak) / 1e6),
    }


def beside_the_pool(file: Path, make: type[LocalDetector] | None) -> dict[str, Any]:
    """Time Ray and the pool on the same corpus."""
    here, there = timed(file, 2, pool, make), timed(file, 2, on_ray, make)
    return {"pool": here, "ray": there, "slower by": round(there["seconds"] / here["seconds"], 2)}


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Collect what this process and all below it hold, in bytes (PSS), every quarter second."""
    found = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.25):
            found.append(sum(map(_pss, _family(Path("/proc/self").resolve().name))))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield found
    finally:
        stop.set()
        watching.join()


def _family(root: str) -> list[str]:
    parents: dict[str, list[str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(after_name[1], []).append(stat.parent.name)
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def _pss(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--judged", type=int, default=2000, help="messages for the detector")
    parser.add_argument("--only", default="kernel,detector,pool,ray")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    wanted = given.only.split(",")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        small, raw, whole = (Path(folder, f"{name}.jsonl") for name in ("small", "raw", "whole"))
        if "kernel" in wanted:
            write_corpus(small, 30_000, judged=True)
            found["kernel"] = kernel(small)
        if "detector" in wanted:
            write_corpus(raw, given.judged, judged=False)
            found["detector"] = detector(raw)
        if {"pool", "ray"} & set(wanted):
            write_corpus(whole, given.turns, judged=True)
            found["corpus"] = {"turns": given.turns, "MB": round(whole.stat().st_size / 1e6)}
        if "pool" in wanted:
            one, two = timed(whole, 1, pool), timed(whole, 2, pool)
            ratio = round(one["seconds"] / two["seconds"], 2)
            found["pool"] = {"one worker": one, "two workers": two, "faster by": ratio}
        if "ray" in wanted and find_spec("ray"):
            write_corpus(raw, 6 * given.judged, judged=False)
            found["ray, assessments given"] = beside_the_pool(whole, None)
            found["ray, with the detector"] = beside_the_pool(raw, LocalDetector)
    if given.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name)
        for key, value in figures.items():
            print(f"  {key}: {value}")


if __name__ == "__main__":
    main()
