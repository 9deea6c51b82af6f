"""Every row is read once, whatever the file, the cut and the damage."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.errors import BadInput
from adjourn.replay.kernel import replay_batch
from adjourn.replay.rows import Conversation, Reject, conversations_of
from adjourn.replay.shards import BATCH_ROWS, corpus_files, read_batches, shards_of
from tests.replay.corpora import BOTH, corpus, talk, written

Rows = list[Conversation | Reject]


def rows(file: Path, cut: int = 1000) -> Rows:
    found: Rows = []
    for shard in shards_of(corpus_files(file), cut):
        for batch in read_batches(shard):
            assert batch.num_rows <= BATCH_ROWS
            found += conversations_of(batch)
    return found


def results(file: Path, cut: int = 1000) -> list[dict[str, Any]]:
    return [
        result
        for shard in shards_of(corpus_files(file), cut)
        for batch in read_batches(shard)
        for result in replay_batch(batch, BOTH, None).to_pylist()
    ]


@settings(max_examples=8)
@given(st.integers(1, 150), st.lists(st.integers(0, 141), max_size=3))
def test_neither_cut_nor_files_change_anything(cut: int, ends: list[int]) -> None:
    import tempfile

    lines = [*corpus(60), {}, *corpus(80)]
    with tempfile.TemporaryDirectory() as folder:
        whole = written(Path(folder), lines)
        places = [0, *sorted(ends), len(lines)]
        for n, (first, last) in enumerate(pairwise(places)):
            written(Path(folder, "many"), lines[first:last], f"{n}.jsonl")
        assert results(whole, cut) == results(whole) == results(Path(folder, "many"), cut)


def test_parquet_says_the_same_as_jsonl(tmp_path: Path) -> None:
    plain = {"messages": talk(2), "assessments": None}
    lines: list[dict[str, Any]] = [{"id": f"c{n}", **plain} for n in range(300)]
    lines += [{**one, "assessments": [{"abuse": 0.5}] * 2} for one in lines[:10]]
    pq.write_table(pa.Table.from_pylist(lines), tmp_path / "a.parquet", row_group_size=170)
    assert len(shards_of([tmp_path / "a.parquet"], 1)) == 2
    assert rows(tmp_path / "a.parquet") == rows(written(tmp_path, lines))


def test_of_wildchat_s_messages_only_role_and_text_are_read(tmp_path: Path) -> None:
    said = [
        {**one, "country": "FR", "hashed_ip": "x", "header": {"user-agent": "y"}, "toxic": False}
        for one in talk(2)
    ]
    table = [{"conversation_hash": "h", "model": "m", "turn": 2, "conversation": said}]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "w.parquet")
    (batch,) = read_batches(shards_of([tmp_path / "w.parquet"], 1)[0])
    assert batch.schema.names == ["position", "conversation_hash", "conversation"]
    assert set(batch.to_pylist()[0]["conversation"][0]) == {"role", "content"}
    (read,) = rows(tmp_path / "w.parquet")
    assert isinstance(read, Conversation)
    assert (read.id, len(read.said)) == ("h", 4)


def test_parts_of_content_and_columns_of_no_use(tmp_path: Path) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    pq.write_table(pa.Table.from_pylist([{"messages": parts, "x": 1}]), tmp_path / "p.parquet")
    (read,) = rows(tmp_path / "p.parquet")
    assert isinstance(read, Conversation)
    assert read.said[0][1] == "hi"
    pq.write_table(pa.Table.from_pylist([{"x": 1}, {"x": 2}]), tmp_path / "n.parquet")
    assert [isinstance(one, Reject) for one in rows(tmp_path / "n.parquet")] == [True, True]


def test_bad_lines_keep_their_positions(tmp_path: Path) -> None:
    good = json.dumps(corpus(1)[0])
    file = tmp_path / "odd.jsonl"
    file.write_bytes(b"\n".join([good.encode(), b"{", b"", b"\xff", b"[" * 10_000, good.encode()]))
    read = rows(file, 2)
    assert [one.position for one in read] == list(range(6))
    whys = [one.why for one in read if isinstance(one, Reject)]
    assert len(whys) == 4
    assert (whys[0][:8], whys[1]) == ("not JSON", "empty line")


def test_rows_that_a_damaged_file_keeps_back_are_told_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    lines = [{"id": f"c{n}", "messages": talk(2, word=f"{n}-")} for n in range(300)]
    pq.write_table(pa.Table.from_pylist(lines), file, row_group_size=100, use_dictionary=False)
    group = pq.ParquetFile(file).metadata.row_group(1).column(0)
    raw = bytearray(file.read_bytes())
    raw[group.data_page_offset : group.data_page_offset + 60] = b"\xff" * 60
    file.write_bytes(raw)
    read = rows(file)
    assert [one.position for one in read] == list(range(300))
    assert [one.position for one in read if isinstance(one, Reject)] == list(range(100, 200))
    shrunk = written(tmp_path, lines)
    shards = shards_of([shrunk], 200)
    shrunk.write_text("".join(shrunk.read_text().splitlines(keepends=True)[:150]))
    found = [one for shard in shards for batch in read_batches(shard)
             for one in conversations_of(batch)]  # fmt: skip
    assert sum(isinstance(one, Reject) for one in found) == 150


@pytest.mark.parametrize("name", ["none.jsonl", "broken.parquet", "empty"])
def test_what_cannot_be_opened_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.parquet").write_text("nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"cannot be read|not Parquet|has no files"):
        shards_of(corpus_files(tmp_path / name), 1)
