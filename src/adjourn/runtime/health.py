"""Whether the parts a gateway depends on work, as far as their last answers tell."""

from typing import Final

_MANY: Final = 3
"""Failures in a row after which a part counts as not working."""


class Health:
    """Whether a part works, as far as its last answers tell."""

    def __init__(self) -> None:
        self._failures = 0

    def note(self, *, worked: bool) -> None:
        """Take note of an answer."""
        self._failures = 0 if worked else self._failures + 1

    def is_well(self) -> bool:
        """Tell whether it works; a single failure does not tell, and neither does silence."""
        return self._failures < _MANY
