"""Tallies add up, and the statistics are those of paper."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.replay.summary import compare, summarise
from adjourn.replay.tally import Line, Outcome, PairTally, Step, Tally, count, total
from tests.cli.conftest import Call, call
from tests.replay.corpora import corpus, talk, written

__all__ = ["call"]

steps = st.lists(
    st.builds(Step, st.integers(1, 9), st.integers(0, 20),
              st.sampled_from(["redirect", "warn", "end"]), st.just(["abuse"])), max_size=3,
)  # fmt: skip
lines = st.lists(
    st.builds(Line, st.text(max_size=3), st.integers(0, 99), st.integers(0, 9), st.integers(0, 1),
              st.lists(st.builds(Outcome, st.just("end"), steps), min_size=2, max_size=2))
)  # fmt: skip


def tallied(some: list[Line]) -> Tally:
    tally = Tally()
    for line in some:
        count(tally, line)
    return tally


@settings(max_examples=30)
@given(lines, lines)
def test_it_does_not_matter_who_counted(one: list[Line], other: list[Line]) -> None:
    whole = tallied([*one, *other])
    assert total([tallied(one), tallied(other)]) == total([whole])
    assert total([tallied(other), tallied(one)]) == total([whole])


def test_a_comparison_is_that_of_paper() -> None:
    pair = PairTally({"end": 10, "warn": 4, "redirect": 3}, {"redirect": 1}, 0, 5, 12)
    found = compare(pair, 100)
    assert found["steps"]["end"]["mcnemar_p"] == 0.001953  # 2 * 0.5 ** 10
    assert "holm_p" not in found["steps"]["end"]
    assert found["steps"]["warn"] == {
        # 5/102 against 1/102, and 1.96 times the root of (6/102 - (4/102)**2) / 102
        "only_first": 4, "only_second": 0, "mcnemar_p": 0.125, "holm_p": 0.25,
        "difference": -0.04, "low": -0.085664, "high": 0.007233,
    }  # fmt: skip
    assert found["steps"]["redirect"]["holm_p"] == 0.625
    assert found["steps"]["support"]["mcnemar_p"] is None
    assert found["ended_by_both"] == {"earlier": 0, "later": 5, "sign_p": 0.0625}


def test_the_command(call: Call, tmp_path: Path) -> None:
    file = written(tmp_path, corpus(30))
    out = tmp_path / "out"
    command = ["replay", str(file), "--detector", "none", "--workers", "1",
               "--compare", "coding-agent", "--out", str(out), "--json"]  # fmt: skip
    ran = call(*command)
    assert ran.status == 0, ran.stderr
    assert ran.json["conversations"] == 30
    first, second = ran.json["policies"]
    assert (first["reached"]["end"]["count"], second["reached"]["end"]["count"]) == (10, 0)
    assert (first["median_turn_of_end"], first["ends_by_ground"]) == (5, {"abuse": 10})
    compared = ran.json["comparison"]  # a coding agent's policy leaves the key to the model
    assert compared["steps"]["end"]["only_first"] == 10
    assert compared["conversations"][0] == {
        "id": "c0", "position": 0, "was": "end", "would_be": "warn", "first_difference": 3,
        "ended_at": [5, None],
    }  # fmt: skip
    lines = (out / "conversations.jsonl").read_text().splitlines()
    assert len(lines) == 30
    steps = json.loads(lines[0])["outcomes"][0]["steps"]
    assert [one["decision"] for one in steps] == ["redirect", "redirect", "warn", "redirect", "end"]
    assert (steps[-1]["turn"], steps[-1]["message"]) == (5, 8)
    crisis = json.loads(lines[2])["outcomes"][0]["steps"]
    assert [one["decision"] for one in crisis][3:] == ["support"] * 3
    assert len((out / "changes.jsonl").read_text().splitlines()) == len(compared["conversations"])
    assert call(*command).stdout == ran.stdout


def test_bad_rows_are_told_and_the_rest_is_done(call: Call, tmp_path: Path) -> None:
    good = json.dumps(corpus(1)[0])
    lines = [good, "{", "", '"x"', "\x00", good, json.dumps({"messages": talk(1)})]
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "b.jsonl").write_text("\n".join(lines))
    written(tmp_path / "corpus", corpus(2), "a.jsonl")
    ran = call("replay", str(tmp_path / "corpus"), "--detector", "none", "--workers", "1")
    assert ran.status == 1
    assert "4 conversations, 24 user messages, 5 rows rejected" in ran.stdout
    assert "row 3 (b.jsonl row 1): not JSON" in ran.stderr
    assert "row 8 (b.jsonl row 6): carries no assessments" in ran.stderr


@pytest.mark.parametrize("name", ["none.jsonl", "broken.parquet", "."])
def test_files_that_are_none_are_told(call: Call, tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.parquet").write_text("nothing")
    told = call("replay", str(tmp_path / name), "--workers", "1", "--detector", "none").complaint
    assert "cannot be read" in told or "not Parquet" in told


def test_what_an_empty_corpus_comes_to() -> None:
    summary = summarise(Tally(), ["one", "other"])
    assert summary["policies"][1]["reached"]["end"] == {"count": 0, "of": 0}
    assert summary["comparison"]["changed"] == 0
