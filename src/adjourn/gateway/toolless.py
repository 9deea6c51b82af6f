"""Models whose servers know no tools, as far as their answers tell.

A request that offers the end tool and is refused is sent once more without. To spare the model's
server the first of the two, models are remembered, but never on one request's word: an error may
come from anything, and a prompt may be just too long with a tool and not without. So it takes
several in a row, one that is answered clears it, and now and then it is tried again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 3
"""Requests in a row that were refused with the tool and answered without."""
TRIED_AGAIN: Final = 100
"""One in so many requests offers the tool all the same."""
_MOST_MODELS: Final = 1024
"""Names come from clients: those used last are kept."""


@dataclass(slots=True)
class _Seen:
    refused: int = 0
    spared: int = 0


class Toolless:
    """What was seen of the models' servers."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def may_offer(self, model: str) -> bool:
        """Tell whether a request to a model should offer the tool."""
        seen = self._seen.get(model)
        if seen is None or seen.refused < ENOUGH:
            return True
        seen.spared = (seen.spared + 1) % TRIED_AGAIN
        return seen.spared == 0

    def answered(self, model: str) -> None:
        """Take note that a model's server answered a request with the tool."""
        self._seen.pop(model, None)

    def refused(self, model: str) -> None:
        """Take note that it refused one, and answered the same without."""
        self._seen.setdefault(model, _Seen()).refused += 1
        self._seen.move_to_end(model)
        if len(self._seen) > _MOST_MODELS:
            self._seen.popitem(last=False)
