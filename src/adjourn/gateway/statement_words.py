"""What the page of a statement says around the statement's own sentences, by language."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from adjourn.gateway.languages import accepted_languages


class Reasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an appeal was decided as it was, by ``AppealReason``."""

    confirmed: str
    misread: str
    context: str
    crisis: str
    policy: str
    other: str


class PageWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language; what stands in braces is filled in."""

    name: str
    """The language's own name."""
    title: str
    title_reversed: str
    reversed: str
    objection: str
    filed: str
    taken_up: str
    waits: str
    stands: str
    opened: str
    reason: str
    you_wrote: str
    answer: str
    how: str
    sees_kept: str
    sees_nothing: str
    tell: str
    label: str
    kept: str
    button: str
    link: str
    contact: str
    record: str
    when: str
    policy: str
    version: str
    digest: str
    node: str
    languages: str
    reasons: Reasons


def _shipped() -> Mapping[str, PageWords]:
    text = files("adjourn.gateway").joinpath("statement_words.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, PageWords])


PAGE_WORDS: Final[Mapping[str, PageWords]] = _shipped()
"""By ISO 639-1 code, English first."""


def page_language(asked: str, ended_in: str, accept: str) -> str:
    """Return the language of a page: what is asked for, that of the end, what is accepted.

    Args:
        asked: What the reader chose on the page; empty if nothing.
        ended_in: The language that the end was explained in; empty if that is not recorded.
        accept: The browser's ``Accept-Language``.
    """
    for language in (asked, ended_in, *accepted_languages(accept)):
        if language in PAGE_WORDS:
            return language
    return "en"
