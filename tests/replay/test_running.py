"""Parts are done once, a killed worker costs one, and nobody can tell who did them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adjourn.core.errors import BadInput
from adjourn.detectors.local import LocalDetector
from adjourn.replay.parts import CHANGES, CONVERSATIONS, REJECTS, Parts
from adjourn.replay.tally import total
from adjourn.replay.workers import Worker
from tests.replay.corpora import BOTH, Worded, corpus, fatal, ran, talk, unjudged, written


def in_here(parts: Parts, todo: Any, brief: Any, workers: int, finished: Any) -> None:
    """Do parts in this process: an engine for tests that need no other."""
    with Worker(brief) as worker:
        for shard in todo:
            parts.write(shard, worker.do(shard))
            finished(shard)


def everything(parts: Parts) -> list[bytes]:
    return [b"".join(parts.lines(kind)) for kind in (CONVERSATIONS, REJECTS, CHANGES)]


def test_a_part_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    file = written(tmp_path, [*corpus(30), {}])
    parts, done = ran(file, tmp_path / "o", cut=7, engine=in_here, question=BOTH)
    assert done == [0, 1, 2, 3, 4]

    def never(*_: Any) -> None:
        raise AssertionError("nothing is left to do")

    again, done = ran(file, tmp_path / "o", cut=7, engine=never, question=BOTH)
    assert done == [0, 1, 2, 3, 4]
    assert everything(again) == everything(parts)
    (tmp_path / "o" / "0000002.manifest.json").unlink()
    _, done = ran(file, tmp_path / "o", cut=7, engine=in_here, question=BOTH)
    assert done == [0, 1, 3, 4, 2]
    with pytest.raises(AssertionError):  # another policy
        ran(file, tmp_path / "o", cut=7, engine=never)
    file.write_text(file.read_text() + "\n")
    with pytest.raises(AssertionError):  # another corpus
        ran(file, tmp_path / "o", cut=7, engine=never, question=BOTH)


def test_what_a_detector_did_not_answer_is_told_and_asked_again(tmp_path: Path) -> None:
    file = written(tmp_path, [*unjudged(4), {"messages": talk(1, "silence")}])
    parts, _ = ran(file, tmp_path / "o", cut=2, engine=in_here, make=Worded)
    tally = total(parts.tallies())
    assert (tally.conversations, tally.unjudged) == (5, 1)
    assert [shard.number for shard in parts.todo()] == [2]


def test_an_engine_that_does_nothing_is_given_up(tmp_path: Path) -> None:
    file = written(tmp_path, corpus(3))
    with pytest.raises(BadInput, match="1 parts failed 3 times, the first from row 0"):
        ran(file, tmp_path / "o", engine=lambda *_: None)


def test_a_part_is_told_once_though_its_worker_was_lost_after_writing_it(tmp_path: Path) -> None:
    def silent(parts: Parts, todo: Any, brief: Any, *_: Any) -> None:
        with Worker(brief) as worker:
            for shard in todo:
                parts.write(shard, worker.do(shard))

    file = written(tmp_path, corpus(3))
    _, done = ran(file, tmp_path / "o", cut=1, engine=silent)
    assert sorted(done) == sorted(set(done))
    assert done == list(range(len(done)))
    assert done


def test_rows_that_are_missing_are_no_part(tmp_path: Path) -> None:
    def forgetful(parts: Parts, todo: Any, brief: Any, *_: Any) -> None:
        with Worker(brief) as worker:
            for shard in todo:
                parts.write(shard, list(worker.do(shard))[1:])

    file = written(tmp_path, corpus(3))
    with pytest.raises(ValueError, match="rows of part 0 are missing"):
        ran(file, tmp_path / "o", engine=forgetful)


@pytest.mark.slow
def test_a_killed_worker_costs_its_part_and_not_the_run(tmp_path: Path) -> None:
    file = written(tmp_path, unjudged(40))
    parts, done = ran(file, tmp_path / "killed", cut=5, workers=2, make=fatal(tmp_path / "mark"))
    assert (tmp_path / "mark" / "killed").exists()
    assert sorted(done) == list(range(8))
    whole, _ = ran(file, tmp_path / "whole", engine=in_here, make=Worded)
    assert everything(parts) == everything(whole)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    file = written(tmp_path, corpus(9000))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "adjourn", "replay", str(file), "--detector", "none",
               "--rows", "100", "--workers", "1", "--out", str(out)]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    manifests = 0
    while manifests < 5:
        time.sleep(0.02)
        manifests = len(list((out / "parts").glob("*.manifest.json")))
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    kept = {one: one.stat().st_mtime_ns for one in (out / "parts").glob("*.manifest.json")}
    assert 5 <= len(kept) < 90
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert all(one.stat().st_mtime_ns == was for one, was in kept.items())
    whole, _ = ran(file, tmp_path / "whole", engine=in_here)
    assert (out / "conversations.jsonl").read_bytes() == everything(whole)[0]


@pytest.mark.slow
def test_with_the_shipped_detector_workers_change_nothing(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in
            ("hello", "you stupid worthless bot", "I want to die", "end this chat")]  # fmt: skip
    file = written(tmp_path, rows)
    one, _ = ran(file, tmp_path / "one", make=LocalDetector)
    two, _ = ran(file, tmp_path / "two", cut=2, workers=2, make=LocalDetector)
    assert everything(one) == everything(two)
    assert b"support" in everything(one)[0]
