"""Corpora of every kind are read, nothing is lost, and the cut changes nothing."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.audiences import Audience
from adjourn.detectors.local import LocalDetector
from adjourn.replay import running
from adjourn.replay.kernel import Question, replay_shard
from adjourn.replay.reading import Conversation, Reject, conversation_of, read_shard, shards_of
from adjourn.replay.running import Job, outcome_lines, reject_lines, run_job
from adjourn.runtime.policies import load_policy
from tests.cli.conftest import Call, call

__all__ = ["call"]

POLICY, DOCUMENT = load_policy("consumer-chat")
QUESTION = Question((POLICY,), Audience.UNKNOWN)
ABUSIVE = [{"abuse": 0.99}] * 6
QUIET = [{"abuse": 0.01, "hazards": {"iwp": 0.02}, "crisis": {"self": 0.0, "others": 0.0}}] * 6
CRISIS = [*ABUSIVE[:3], {"crisis": {"self": 0.99}}, *ABUSIVE[:2]]


def talk(turns: int = 6) -> list[dict[str, str]]:
    said = []
    for n in range(turns):
        said += [{"role": "user", "content": f"u{n}"}, {"role": "assistant", "content": f"a{n}"}]
    return said


def corpus(rows: int = 40) -> list[Any]:
    kinds = [ABUSIVE, QUIET, CRISIS]
    return [{"id": f"c{n}", "messages": talk(), "assessments": kinds[n % 3]} for n in range(rows)]


def written(folder: Path, rows: list[Any]) -> Path:
    file = folder / "corpus.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def all_lines(file: Path, rows_per_shard: int) -> list[tuple[bool, bytes]]:
    return [
        line
        for shard in shards_of(file, rows_per_shard)
        for line in replay_shard(shard, QUESTION, None)
    ]


SHAPES: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]},
    {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yo"}]},
    {"conversation_hash": "x", "language": "English", "toxic": False,
     "conversation": [{"role": "user", "content": "hi", "language": "English"},
                      {"role": "assistant", "content": "yo", "language": "English"}]},
    {"conversation_id": "x", "model": "m", "turn": 1,
     "conversation": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]},
]  # fmt: skip


@pytest.mark.parametrize("row", SHAPES)
def test_shapes_of_public_corpora_are_read(row: dict[str, Any]) -> None:
    read = conversation_of(row, 3)
    assert isinstance(read, Conversation)
    assert [(str(m.role), m.text) for m in read.messages] == [("user", "hi"), ("assistant", "yo")]
    assert read.id == ("x" if "x" in row.values() else "3")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (7, "not an object"),
        ({}, "has no list"),
        ({"messages": []}, "has no list"),
        ({"messages": "hi"}, "has no list"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "message 0 has no known role"),
        ({"messages": [{"role": "user", "content": 7}]}, "message 0"),
        ({"messages": talk(1), "assessments": []}, "one assessment for each of 1"),
        ({"messages": talk(1), "assessments": [{"abuse": 2}]}, "cannot be read"),
        ({"messages": talk(1), "assessments": [{"hazards": {"xyz": 1}}]}, "cannot be read"),
    ],
)
def test_what_is_no_conversation_is_told(row: Any, why: str) -> None:
    read = conversation_of(row, 9)
    assert isinstance(read, Reject)
    assert why in read.why
    assert read.position == 9


def test_a_policy_s_steps_are_found(tmp_path: Path) -> None:
    lines = [json.loads(line) for _, line in all_lines(written(tmp_path, corpus(3)), 10)]
    abusive, quiet, crisis = (line["outcomes"][0] for line in lines)
    assert [step["decision"] for step in abusive["steps"]] == [
        "redirect", "redirect", "warn", "redirect", "end"
    ]  # fmt: skip
    assert abusive["steps"][-1]["message"] == 8
    assert quiet == {"highest": "continue", "steps": []}
    assert [s["decision"] for s in crisis["steps"]][3:] == ["support"] * 3


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 50))
def test_the_cut_changes_nothing(rows_per_shard: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder), [*corpus(20), {}, *corpus(5)])
        assert all_lines(file, rows_per_shard) == all_lines(file, 1000)


def test_parquet_says_the_same_as_jsonl(tmp_path: Path) -> None:
    rows = [{"id": f"c{n}", "messages": talk(2)} for n in range(30)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=7)
    from_parquet = [r for s in shards_of(tmp_path / "a.parquet", 1) for r in read_shard(s)]
    from_jsonl = [r for s in shards_of(written(tmp_path, rows), 1000) for r in read_shard(s)]
    assert from_parquet == from_jsonl


def test_the_command(call: Call, tmp_path: Path) -> None:
    file = written(tmp_path, corpus(30))
    out = tmp_path / "out"
    ran = call("replay", str(file), "--detector", "none", "--workers", "1", "--rows", "7",
               "--compare", "coding-agent", "--out", str(out), "--json")  # fmt: skip
    assert ran.status == 0, ran.stderr
    assert ran.json["conversations"] == 30
    first, second = (one["reached"]["end"]["count"] for one in ran.json["policies"])
    assert (first, second) == (10, 0)  # a coding agent's policy leaves the key to the model
    assert ran.json["comparison"]["ended_only_by"] == [10, 0]
    assert ran.json["comparison"]["mcnemar_p"] == 0.001953  # 2 * 0.5 ** 10
    assert len((out / "conversations.jsonl").read_text().splitlines()) == 30
    again = call("replay", str(file), "--detector", "none", "--workers", "1", "--rows", "7",
                 "--compare", "coding-agent", "--out", str(out), "--json")  # fmt: skip
    assert again.stdout == ran.stdout


def test_bad_rows_are_told_and_the_rest_is_done(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    good = json.dumps(corpus(1)[0])
    lines = [good, "{", "", '"x"', "\x00", good, json.dumps({"messages": talk(1)})]
    file.write_text("\n".join(lines))
    ran = call("replay", str(file), "--detector", "none", "--workers", "1", "--json")
    assert ran.status == 1
    assert (ran.json["conversations"], ran.json["rejected"]) == (2, 5)
    assert "row 1: not JSON" in ran.stderr
    assert "row 6: carries no assessments" in ran.stderr


@pytest.mark.parametrize("name", ["none.jsonl", "broken.parquet", "."])
def test_files_that_are_none_are_told(call: Call, tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.parquet").write_text("nothing")
    told = call("replay", str(tmp_path / name), "--workers", "1").complaint
    assert "cannot be read" in told or "not Parquet" in told


def test_ray_is_refused_plainly(call: Call, tmp_path: Path) -> None:
    told = call("replay", str(written(tmp_path, corpus(1))), "--engine", "ray").complaint
    assert "--engine local" in told


def _killed_once(shard: Any, *rest: Any) -> None:
    mark = Path(shard.file).with_suffix(f".{shard.number}.mark")
    if shard.number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    _DO(shard, *rest)


_DO = running._do


@pytest.mark.slow
def test_a_killed_worker_costs_its_part_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, corpus(40))
    job = Job(shards_of(file, 10), QUESTION, [DOCUMENT], None, "none", tmp_path / "parts")
    monkeypatch.setattr(running, "_do", _killed_once)
    done: list[int] = []
    run_job(job, 2, lambda shard: done.append(shard.number))
    assert sorted(set(done)) == [0, 1, 2, 3]
    assert list(outcome_lines(job)) == [line + b"\n" for _, line in all_lines(file, 1000)]
    assert list(reject_lines(job)) == []


@pytest.mark.slow
def test_with_the_detector_workers_change_nothing(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in
            ("hello", "you stupid worthless bot", "I want to die", "end this chat")]  # fmt: skip
    file = written(tmp_path, rows)
    printed = []
    for workers, cut in ((1, 100), (2, 2)):
        folder = tmp_path / str(workers)
        job = Job(shards_of(file, cut), QUESTION, [DOCUMENT], LocalDetector, "local", folder)
        run_job(job, workers, lambda _: None)
        printed.append(list(outcome_lines(job)))
    assert printed[0] == printed[1]
