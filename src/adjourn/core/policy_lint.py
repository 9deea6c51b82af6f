"""Linting a policy: what is allowed but probably not meant, and which words are missing."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from adjourn.core.hazards import Hazard
from adjourn.core.policy import Policy, numbers_of
from adjourn.core.policy_file import line_of
from adjourn.core.speaking import behaviour_in, speaks, text_in
from adjourn.core.wording import SHIPPED
from adjourn.core.wording.words import Texts

_NEEDS: Final = {
    "warn": "{behaviour}",
    "close": "{behaviour}",
    "support": "{resources}",
    "pause": "{resources}",
    "statement": "{statement_url}",
}
"""Texts that say too little without a slot."""
_SPEAKS_OF_ENDING: Final = frozenset({"warn", "close", "close_for_user", "confirm_user_end"})
_NEVER_SPEAKS_OF_ENDING: Final = frozenset(
    {"redirect", "support", "pause", "go_on", "replaced_for_minor"}
)
"""Nobody who was not warned, or may be in danger, reads of an end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a policy's author should look at; the policy can be used all the same."""

    key: str
    line: int | None
    message: str


def lint(policy: Policy, text: str = "") -> tuple[Finding, ...]:
    """Return what is allowed but probably not meant: numbers without a source, idle keys."""
    document = tomllib.loads(text)
    found = [
        Finding(key, line_of(text, key), "this number has no entry in [sources]")
        for key in numbers_of(policy)
        if policy.source_of(key) is None and _is_set(document, key)
    ]
    found += [
        Finding(f"sources.{key}", line_of(text, f"sources.{key}"), "no such number")
        for key in policy.sources
        if not any(number == key or number.startswith(f"{key}.") for number in numbers_of(policy))
    ]
    if policy.grounds and not (policy.keys.by_model or policy.keys.by_policy):
        found.append(
            Finding("keys", line_of(text, "keys"), "grounds are set, but nobody may end on them")
        )
    if not policy.grounds and (policy.keys.by_model or policy.keys.by_policy):
        found.append(Finding("grounds", None, "keys are given, but there are no grounds"))
    if Hazard.SSH in policy.grounds:
        found.append(
            Finding(
                "grounds.ssh",
                line_of(text, "grounds.ssh"),
                "people who ask about self-harm are often in crisis: consider leaving it out",
            )
        )
    if not policy.pause.enabled and _is_set(document, "pause.seconds"):
        line = line_of(text, "pause.seconds")
        found.append(Finding("pause.seconds", line, "nothing pauses: pause.enabled is not true"))
    return (*found, *_wording(policy, text))


def _is_set(document: Any, key: str) -> bool:
    """Tell whether the document itself sets a number; defaults have their source in the code."""
    for part in key.split("."):
        if not isinstance(document, dict):
            return True  # one number for both audiences
        if part not in document:
            return False
        document = document[part]
    return True


def _wording(policy: Policy, text: str) -> Iterator[Finding]:
    """Yield what the policy's own words lack, language by language."""
    languages = sorted({*SHIPPED, *policy.translations, *policy.languages, policy.language})
    spoken = [language for language in languages if speaks(policy, language)]
    for name in (f.name for f in fields(Texts) if f.name != "pause" or policy.pause.enabled):
        missing = [one for one in spoken if text_in(policy, one, name) is None]
        if missing:
            message = f"has no text in {', '.join(missing)}: there it goes out in {policy.language}"
            yield Finding(f"texts.{name}", line_of(text, f"texts.{name}"), message)
        for language in spoken:
            found = text_in(policy, language, name)
            if found is not None and not _is_shipped(language, name, found):
                yield from _lacking(policy, language, name, found, text)
    for language in spoken:
        unnamed = [one for one in policy.grounds if behaviour_in(policy, language, (one,)) is None]
        if unnamed:
            key = _key(policy, language, "behaviours")
            message = (
                f"does not name {', '.join(unnamed)}: what speaks of it is sent in another language"
            )
            yield Finding(key, line_of(text, key), message)


def _lacking(policy: Policy, language: str, name: str, found: str, text: str) -> Iterator[Finding]:
    key = _key(policy, language, name)
    line = line_of(text, key)
    slot = _NEEDS.get(name, "")
    if slot not in found:
        yield Finding(key, line, f"says too little without {slot}")
    ending = SHIPPED[language].ending if language in SHIPPED else ()
    speaks_of_it = any(word in found.lower() for word in ending)
    if ending and name in _SPEAKS_OF_ENDING and not speaks_of_it:
        yield Finding(key, line, f"does not say that the conversation ends ({' / '.join(ending)})")
    if name in _NEVER_SPEAKS_OF_ENDING and speaks_of_it:
        yield Finding(key, line, "speaks of an end, which this text must not")


def _is_shipped(language: str, name: str, found: str) -> bool:
    return language in SHIPPED and found == getattr(SHIPPED[language].texts, name)


def _key(policy: Policy, language: str, name: str) -> str:
    return f"texts.{name}" if language == policy.language else f"texts.{language}.{name}"
