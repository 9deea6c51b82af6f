"""Languages as clients name them in headers (BCP 47, RFC 9110)."""

from functools import lru_cache
from typing import Final

_MOST: Final = 20
"""Languages that are read of one header."""


def language_of_tag(tag: str) -> str:
    """Return the language of a BCP 47 tag, without script and region; empty if there is none."""
    language = tag.replace("_", "-").partition("-")[0].strip().lower()
    return language if len(language) in (2, 3) and language.isascii() and language.isalpha() else ""


@lru_cache(maxsize=1000)
def accepted_languages(header: str) -> tuple[str, ...]:
    """Return what an ``Accept-Language`` header accepts (RFC 9110, section 12.5.4), best first."""
    ranked: list[tuple[float, str]] = []
    for item in header.split(",")[:_MOST]:
        tag, _, weight = item.partition(";q=")
        language = language_of_tag(tag)
        try:
            ranked.append((-float(weight or 1), language))
        except ValueError:
            continue
    return tuple(
        language for weight, language in sorted(ranked, key=_weight) if weight < 0 and language
    )


def _weight(one: tuple[float, str]) -> float:
    return one[0]
