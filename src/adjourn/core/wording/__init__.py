"""The words that ship with adjourn, by language; a policy's own come first (``core.speaking``).

One file a language. What a file must have, and must say, is tested for all of them alike.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from adjourn.core.wording import arabic, chinese, french, german, hindi, portuguese, spanish
from adjourn.core.wording.words import Words

ENGLISH: Final = Words()

SHIPPED: Final[Mapping[str, Words]] = MappingProxyType(
    {
        words.language: words
        for words in (
            ENGLISH,
            arabic.WORDS,
            chinese.WORDS,
            french.WORDS,
            german.WORDS,
            hindi.WORDS,
            portuguese.WORDS,
            spanish.WORDS,
        )
    }
)
"""Words by ISO 639-1 code."""


def words_in(language: str) -> Words:
    """Return the shipped words of a language; English if there are none."""
    return SHIPPED.get(language, ENGLISH)


def name_behaviours(words: Words, grounds: tuple[str, ...]) -> str:
    """Name grounds to a person: at most two, the rest is implied."""
    return join_behaviours(words, [words.behaviours[ground] for ground in grounds[:2]])


def join_behaviours(words: Words, named: list[str]) -> str:
    """Join at most two names as the language does."""
    if len(named) > 1:
        return words.both.format(*named[:2])
    return named[0] if named else words.this
