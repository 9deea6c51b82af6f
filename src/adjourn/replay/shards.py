"""Corpora cut into parts, and parts read as record batches: the only place that opens a corpus.

A batch has the column ``position`` (row in the whole corpus, from 0) and either ``line`` (one line
of JSONL; null where the file is damaged) or the columns of a Parquet file that are of use.
Memory is bounded by a batch, whatever the size of a file or of a part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from adjourn.core.errors import BadInput
from adjourn.replay.rows import COLUMNS, MESSAGE_FIELDS, SAID

BATCH_ROWS: Final = 128
"""Rows in a batch."""
_BUFFER_BYTES: Final = 1 << 20
"""Read ahead in each column of a Parquet file, instead of all of a row group."""
_LONGEST_LINE: Final = 64 << 20
"""Bytes of a line of JSONL; a longer one is damaged."""
_KINDS: Final = (".parquet", ".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a corpus that one worker takes."""

    file: str
    number: int
    """Within the corpus, from 0."""
    first: int
    """Position of its first row in the whole corpus."""
    start: int
    """Byte offset in JSONL; row group in Parquet."""
    rows: int


def corpus_files(corpus: Path) -> list[Path]:
    """Return the files of a corpus: itself, or those below a directory, by name.

    Raises:
        BadInput: A directory has none.
    """
    if not corpus.is_dir():
        return [corpus]
    found = sorted(file for file in corpus.rglob("*") if file.suffix in _KINDS and file.is_file())
    if not found:
        raise BadInput(f"{corpus}: has no files to read", hint=f"known: {', '.join(_KINDS)}")
    return found


def shards_of(files: Sequence[Path], rows_per_shard: int) -> list[Shard]:
    """Cut files into parts, in order: blocks of lines, or the row groups of Parquet.

    Raises:
        BadInput: A file cannot be read, or is neither JSONL nor Parquet.
    """
    shards: list[Shard] = []
    first = 0
    for file in files:
        for start, rows in _cuts(file, rows_per_shard):
            shards.append(Shard(str(file), len(shards), first, start, rows))
            first += rows
    return shards


def read_batches(shard: Shard) -> Iterator[pa.RecordBatch]:
    """Yield every row of a part once, in order; what a damaged file keeps back as null lines."""
    done = 0
    try:
        read = _parquet_batches if shard.file.endswith(".parquet") else _line_batches
        for columns in read(shard):
            rows = columns.num_rows
            yield _placed(shard.first + done, columns)
            done += rows
    except (OSError, pa.ArrowException):
        pass  # the rest is told row by row
    while done < shard.rows:
        rows = min(BATCH_ROWS, shard.rows - done)
        yield _placed(shard.first + done, _lines([None] * rows))
        done += rows


def _cuts(file: Path, rows_per_shard: int) -> list[tuple[int, int]]:
    """Return (start, rows) of each part of a file."""
    try:
        if file.suffix == ".parquet":
            return list(_row_groups(file))
        return list(_line_blocks(file, rows_per_shard))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    except pa.ArrowException as error:
        raise BadInput(f"{file}: not Parquet ({str(error).splitlines()[0]})") from None


def _line_blocks(file: Path, rows_per_shard: int) -> Iterator[tuple[int, int]]:
    with file.open("rb") as lines:
        start = offset = rows = 0
        for line in lines:
            offset += len(line)
            rows += 1
            if rows == rows_per_shard:
                yield start, rows
                start, rows = offset, 0
        if rows:
            yield start, rows


def _row_groups(file: Path) -> Iterator[tuple[int, int]]:
    with pq.ParquetFile(file) as opened:
        for number in range(opened.num_row_groups):
            yield number, opened.metadata.row_group(number).num_rows


def _line_batches(shard: Shard) -> Iterator[pa.RecordBatch]:
    with Path(shard.file).open("rb") as lines:
        lines.seek(shard.start)
        left = shard.rows
        while left:
            taken = list(islice(lines, min(BATCH_ROWS, left)))
            if not taken:
                return
            left -= len(taken)
            yield _lines([line if len(line) < _LONGEST_LINE else None for line in taken])


def _parquet_batches(shard: Shard) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(shard.file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as opened:
        yield from opened.iter_batches(
            BATCH_ROWS,
            row_groups=[shard.start],
            columns=_leaves_of_use(opened.schema, opened.schema_arrow.names),
            use_threads=False,  # parts run side by side already
        )


def _leaves_of_use(schema: Any, names: Sequence[str]) -> list[str]:
    """Return the leaf columns that are read: of messages role and text alone.

    WildChat's messages carry addresses, browsers and moderation beside these, which are most of a
    file and of its personal data.
    """
    wanted = {*COLUMNS, *(name for name in SAID if name in names)}
    paths = [schema.column(number).path for number in range(len(schema))]
    return [path for path in paths if _is_of_use(path.split("."), wanted)]


def _is_of_use(path: Sequence[str], wanted: set[str]) -> bool:
    if path[0] not in wanted:
        return False
    return path[0] not in SAID or len(path) < 4 or path[3] in MESSAGE_FIELDS


def _placed(first: int, columns: pa.RecordBatch) -> pa.RecordBatch:
    positions = pa.array(range(first, first + columns.num_rows), pa.int64())
    return pa.RecordBatch.from_arrays(
        [positions, *columns.columns], names=["position", *columns.schema.names]
    )


def _lines(lines: Sequence[bytes | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(lines, pa.large_binary())], names=["line"])
