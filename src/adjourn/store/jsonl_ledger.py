"""A ledger as an auditor gets it: JSONL, as ``adjourn ledger export`` prints it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from adjourn.core.errors import BadInput
from adjourn.ports import LedgerRow

from .codec import ledger_row


class _Line(msgspec.Struct):
    position: int
    leaf_hash: str
    at_ms: int
    body: str


_lines = msgspec.json.Decoder(_Line)


def export_line(row: LedgerRow) -> Mapping[str, Any]:
    """Return one entry as a line of an export has it."""
    return {
        "position": row.position,
        "leaf_hash": row.leaf_hash.hex(),
        "at_ms": row.at_ms,
        "body": row.body,
    }


class JsonlLedger:
    """The entries of one file, in the order of its lines."""

    def __init__(self, path: str) -> None:
        self._path = path

    def stream(self) -> Iterator[LedgerRow]:
        """Yield every entry; a line that is none is given as one that no check takes for right.

        Raises:
            BadInput: The file cannot be read, or its first line is no entry.
        """
        try:
            with Path(self._path).open("rb") as lines:
                for place, text in enumerate(lines):
                    yield _row(self._path, place, text)
        except OSError as error:
            raise BadInput(f"{self._path}: cannot be read ({error.strerror})") from None

    def ends(self) -> None:
        """An export has no table of ends."""
        return

    def close(self) -> None:
        """Let go."""


def _row(path: str, place: int, text: bytes) -> LedgerRow:
    try:
        line = _lines.decode(text)
        return ledger_row(line.position, bytes.fromhex(line.leaf_hash), line.at_ms, line.body)
    except (msgspec.DecodeError, ValueError) as error:
        if place == 0:
            raise BadInput(f"{path}:1: not an entry ({error})", hint="check --store") from None
        return ledger_row(place, None, None, text.decode("utf-8", "surrogateescape"))
