"""A ledger as an auditor gets it: JSONL, as ``adjourn ledger export`` prints it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from adjourn.core.entries import Entry
from adjourn.core.errors import BadInput
from adjourn.ports import LedgerRow

from .codec import ledger_row


class _Line(msgspec.Struct):
    position: int
    leaf_hash: str
    at_ms: int
    body: str


class JsonlLedger:
    """Ledger entries of one file, read whole."""

    def __init__(self, rows: Sequence[LedgerRow]) -> None:
        self._rows = rows

    @classmethod
    def open(cls, path: str) -> "JsonlLedger":
        """Read a file.

        Raises:
            BadInput: It cannot be read, or a line is no entry; the message names the line.
        """
        rows: list[LedgerRow] = []
        try:
            with Path(path).open("rb") as lines:
                for number, text in enumerate(lines, 1):
                    rows.append(_row(path, number, text))
        except OSError as error:
            raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
        return cls(rows)

    async def entries(self, start: int, limit: int) -> Sequence[tuple[int, Entry]]:
        """Return ledger entries with their positions from ``start`` (0 is the first), in order."""
        rows = await self.rows(start, limit)
        return [(row.position, row.entry) for row in rows if row.entry is not None]

    async def rows(self, start: int, limit: int) -> Sequence[LedgerRow]:
        """Return entries as they are stored, from position ``start`` on, in order."""
        return [row for row in self._rows if row.position >= start][:limit]

    async def aclose(self) -> None:
        """Let go."""


def _row(path: str, number: int, text: bytes) -> LedgerRow:
    try:
        line = msgspec.json.decode(text, type=_Line)
        return ledger_row(line.position, bytes.fromhex(line.leaf_hash), line.at_ms, line.body)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"{path}:{number}: not an entry ({error})") from None
