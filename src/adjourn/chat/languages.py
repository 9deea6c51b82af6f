"""The languages the chat page speaks: one file of words each, chosen by the reader."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """All words of the page in one language."""

    code: str
    """BCP 47, for the page's ``lang``."""
    name: str
    """What its speakers call it."""
    direction: str
    """``ltr`` or ``rtl``."""
    page: Mapping[str, str]
    """Words of the template."""
    script: Mapping[str, str]
    """Words of the scripts; ``{slots}`` are filled there."""


@cache
def languages() -> Mapping[str, Language]:
    """Return all languages by code, in the order of their codes."""
    files = resources.files("adjourn.chat").joinpath("languages").iterdir()
    texts = {f.name.removesuffix(".toml"): f.read_text("utf-8") for f in files}
    return {code: Language(code=code, **tomllib.loads(texts[code])) for code in sorted(texts)}


def choose_language(asked: str, accepted: str) -> Language:
    """Return the language to answer in.

    Args:
        asked: What the address asks for; empty if it does not.
        accepted: The ``Accept-Language`` header (RFC 9110, section 12.5.4).
    """
    known = languages()
    for tag in (asked, *_by_weight(accepted)):
        code = tag.strip().lower().partition("-")[0]
        if code in known:
            return known[code]
    return known[DEFAULT]


def _by_weight(accepted: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for item in accepted.split(",")[:50]:
        tag, _, weight = item.partition(";q=")
        try:
            ranked.append((-float(weight or 1), tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(ranked, key=lambda one: one[0]) if weight < 0]
