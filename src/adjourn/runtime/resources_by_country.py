"""Crisis resources of a country, as text in a language and as JSON."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from adjourn.core.resources import Resources, Support, as_json, render_text
from adjourn.core.wording import words_in
from adjourn.ports import Clock

_MOST: Final = 1000
"""Answers that are kept: one a country and day, unless somebody makes countries up."""

Answer = tuple[Callable[[str], str], Mapping[str, Any]]
"""The text by language (ISO 639-1), and the JSON."""
ResourcesFor = Callable[[str], Answer]
"""Answers for a country (ISO-2, empty if unknown)."""


def resources_by_country(resources: Resources, clock: Clock) -> ResourcesFor:
    """Return what answers for a country, remembered for the day."""
    made: dict[tuple[str, date], Answer] = {}

    def answer(country: str) -> Answer:
        today = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date()
        key = (country.strip().upper()[:2], today)
        if key not in made:
            if len(made) > _MOST:
                made.clear()
            support = resources.for_country(key[0] or None, today)
            made[key] = (partial(_as_text, support), as_json(support, today))
        return made[key]

    return answer


def _as_text(support: Support, language: str) -> str:
    return render_text(support, support.at, words_in(language).resources)
