"""In which language the gateway speaks, and what it says in it; and what it tells the model.

A text that a policy has in no other language goes out in the policy's own: never silence. A shipped
translation stands for the shipped text only; where a policy words a text itself, its translations
are the policy's to give.
"""

from adjourn.core.decisions import Decision, Redirect, Support, Warn
from adjourn.core.ladder import CrisisStatus
from adjourn.core.policy import Policy, behaviour
from adjourn.core.tongues import told_language
from adjourn.core.turns import TurnRequest
from adjourn.core.wording import ENGLISH, SHIPPED, join_behaviours, words_in


def speaks(policy: Policy, language: str) -> bool:
    """Tell whether a policy has words in a language."""
    if language == policy.language or language in policy.languages:
        return True
    return not policy.languages and (language in SHIPPED or language in policy.translations)


def choose_language(policy: Policy, request: TurnRequest, ended_in: str = "") -> str:
    """Return the language to speak to somebody in: what is stated, then told, then accepted.

    Args:
        policy: What it has words in.
        request: Says the user's language or lets it be told.
        ended_in: The language that the end of this conversation was explained in.
    """
    if request.language and speaks(policy, request.language):
        return request.language
    for language in (ended_in, told_language(request.messages), *request.accepted):
        if language and speaks(policy, language):
            return language
    return policy.language


def text_in(policy: Policy, language: str, name: str) -> str | None:
    """Return a text by its name in ``Texts``, unfilled; None if there is none in that language."""
    its_own = getattr(policy.texts, name)
    if language == policy.language:
        return str(its_own)
    translation = policy.translations.get(language)
    if translation is not None and name in translation.texts:
        return translation.texts[name]
    if language in SHIPPED and its_own == getattr(words_in(policy.language).texts, name):
        return str(getattr(SHIPPED[language].texts, name))
    return None


def behaviour_in(policy: Policy, language: str, grounds: tuple[str, ...]) -> str | None:
    """Name grounds to a person, at most two; None if the language has no name for one."""
    shipped = SHIPPED.get(language)
    own = policy.translations[language].behaviours if language in policy.translations else {}
    names = {**(shipped.behaviours if shipped else {}), **own}
    if not all(ground in names for ground in grounds[:2]) or not (grounds or shipped):
        return None
    return join_behaviours(words_in(language), [names[ground] for ground in grounds[:2]])


def say(
    policy: Policy, language: str, name: str, grounds: tuple[str, ...] = (), **slots: str
) -> str:
    """Return a text with its slots filled, in the language or, if it is missing, the policy's."""
    text = text_in(policy, language, name)
    named = behaviour_in(policy, language, grounds)
    if text is None or ("{behaviour}" in text and named is None):
        text = str(getattr(policy.texts, name))
        named = behaviour_in(policy, policy.language, grounds)
    return text.format(behaviour=named or behaviour_in(policy, ENGLISH.language, grounds), **slots)


def guide(policy: Policy, decision: Decision, crisis: CrisisStatus) -> str | None:
    """Return what the model is told beside the client's messages; None if nothing.

    Args:
        policy: Has the words, in its own language.
        decision: What was decided about the user's message.
        crisis: What is known of a crisis on the path.
    """
    guidance = policy.guidance
    match decision:
        case Redirect(grounds=grounds):
            return guidance.redirect.format(behaviour=behaviour(grounds))
        case Warn(grounds=grounds):
            return guidance.warn.format(behaviour=behaviour(grounds))
        case Support():
            return guidance.support
        case _:
            return guidance.unknown if crisis is CrisisStatus.UNKNOWN else None
