"""A policy in plain language says what the policy does, and nothing else."""

from dataclasses import replace

import pytest

from adjourn.core.explain import explain_markdown
from adjourn.core.hazards import PLAIN_NAMES
from adjourn.core.policy import Keys, LadderRules, Mode, PauseRules, Policy

from .tabletop import POLICY


def test_what_is_in_the_policy_is_on_the_page() -> None:
    page = explain_markdown(POLICY)
    for ground in POLICY.grounds:
        assert PLAIN_NAMES[ground].capitalize() in page
    assert "at least 2 times" in page
    assert "after 2 more such messages" in page
    assert "Say so. You will be asked if you are sure." in page


def test_an_empty_policy_ends_nothing() -> None:
    page = explain_markdown(Policy())
    assert "Nothing that you write can." in page
    assert "It is not ended even then." in page
    assert "You can stop writing at any time." in page


@pytest.mark.parametrize(
    ("keys", "told", "not_told"),
    [
        (Keys(by_model=True), "the assistant asks to end it", "by itself"),
        (Keys(by_policy=True), "or by itself, after 1 more such message.", "asks to end it"),
    ],
)
def test_who_may_end_it_is_told(keys: Keys, told: str, not_told: str) -> None:
    page = explain_markdown(replace(POLICY, keys=keys, ladder=LadderRules(2, 1, 3, 10)))
    assert told in page
    assert not_told not in page


def test_shadow_mode_is_told() -> None:
    page = explain_markdown(replace(POLICY, mode=Mode.SHADOW))
    assert "At the moment no conversation is ended." in page


def test_pauses_are_told_where_there_are_any() -> None:
    page = explain_markdown(replace(POLICY, pause=PauseRules(enabled=True, seconds=601)))
    assert "For 11 minutes at most" in page
    assert "Then it goes on by itself." in page
    assert "pause" not in explain_markdown(POLICY)


@pytest.mark.parametrize("pauses", [False, True])
def test_words_are_short_and_sentences_too(pauses: bool) -> None:
    """Reading age of 14 at most: Flesch-Kincaid grade 8 and below (Kincaid et al. 1975)."""
    text = (
        explain_markdown(replace(POLICY, pause=PauseRules(enabled=pauses)))
        .rpartition("\n\n")[0]
        .replace("#", "")
        .replace("- ", "")
    )
    sentences = [s for s in text.replace("\n\n", ". ").split(". ") if s.strip()]
    words = [w for s in sentences for w in s.split() if any(c.isalpha() for c in w)]
    syllables = sum(_syllables(word) for word in words)
    grade = 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59
    assert grade <= 8


def _syllables(word: str) -> int:
    letters = word.lower().strip(".,:;!?()")
    groups = 0
    before = False
    for letter in letters:
        vowel = letter in "aeiouy"
        groups += vowel and not before
        before = vowel
    return max(1, groups - (letters.endswith("e") and groups > 1))
