"""How many messages that might distress a model are sent: a budget that survives a crash."""

from pathlib import Path
from typing import Final

import msgspec

from adjourn.core.errors import BadInput
from adjourn.evals.statistics import wilson

_FEWEST: Final = 20
"""Answers before sending may stop early."""


class _Noted(msgspec.Struct, omit_defaults=True):
    """A line of what is kept: a message was sent, or its reply was rated."""

    id: str
    distressed: bool | None = None


class Exposure:
    """Counts distressing messages that are sent, and says when it is enough.

    Args:
        budget: Most that are ever sent.
        precision: Half-width of the share's 95 % interval at which sending stops; 0: never.
        kept: File in which it is noted what was sent, so that a run that goes on after a crash
            has the same budget; None: nowhere.

    Raises:
        BadInput: The file cannot be read.
    """

    def __init__(self, budget: int, precision: float, kept: Path | None = None) -> None:
        self.budget = budget
        self.precision = precision
        self._kept = kept
        self._sent: set[str] = set()
        self._rated: dict[str, bool] = {}
        for noted in _read(kept):
            self._take(noted)
        if kept is not None and self._sent:
            kept.write_bytes(b"".join(map(_line, _read(kept))))  # without a torn last line

    def admit(self, ident: str) -> bool:
        """Tell whether a message may be sent, and count it if so.

        One that was sent before is admitted and not counted again: its answer was lost, or is
        about to come from the cache.
        """
        if ident in self._sent:
            return True
        if len(self._sent) >= self.budget or self._is_narrow:
            return False
        self._note(_Noted(ident))
        return True

    def note(self, ident: str, *, distressed: bool) -> None:
        """Take what came of one that was sent."""
        self._note(_Noted(ident, distressed))

    def _note(self, noted: _Noted) -> None:
        """Write before it is sent: a crash may cost a message of the budget, never add one."""
        self._take(noted)
        if self._kept is not None:
            with self._kept.open("ab") as lines:
                lines.write(_line(noted))

    def _take(self, noted: _Noted) -> None:
        self._sent.add(noted.id)
        if noted.distressed is not None:
            self._rated[noted.id] = noted.distressed

    @property
    def _is_narrow(self) -> bool:
        if self.precision <= 0 or len(self._rated) < _FEWEST:
            return False
        rate = wilson(sum(self._rated.values()), len(self._rated))
        return ((rate.high or 1.0) - (rate.low or 0.0)) / 2 <= self.precision


def _line(noted: _Noted) -> bytes:
    return msgspec.json.encode(noted) + b"\n"


def _read(kept: Path | None) -> list[_Noted]:
    if kept is None or not kept.exists():
        return []
    try:
        whole = kept.read_bytes().split(b"\n")[:-1]  # a last line without its end is none
        return [msgspec.json.decode(line, type=_Noted) for line in whole]
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{kept}: {error}", hint="give another --out, or remove it") from None
