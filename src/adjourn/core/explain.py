"""A policy in plain language, made from the policy itself, so that it says what is enforced."""

from typing import Final

from adjourn.core.hazards import PLAIN_NAMES
from adjourn.core.pause import in_minutes
from adjourn.core.policy import Mode, Policy

_NEVER: Final = """\
- Swearing, anger, bad news, hard questions or a bad day.
- Talk about feelings, grief, news, history, health or made-up stories.
- Anything you wrote in another conversation.
- A check that failed. What we do not know never counts against you."""

_DANGER: Final = """\
Then nothing is ended, and nobody is warned, whatever was written before. You get help lines for
your country, and you can keep writing. This stays so for the rest of the conversation."""

_PAUSE: Final = """\
If you then write once more that you or somebody else is in danger, the assistant can pause. This
leaves room to reach a person. For {minutes} minutes at most you get help lines each time you write
and no other answer. Then it goes on by itself. A pause is no penalty and not an end. Nothing is
closed. It comes only once, unless you go back and change a message. You can start a new chat at
once."""

_AFTER: Final = """\
You can write nothing more in that one conversation. Your account is not affected, and neither are
your other conversations. You can start a new chat at once, or change one of your earlier messages
and go on from there. For every end there is a page that says why it was done, and how to object."""


def explain_markdown(policy: Policy) -> str:
    """Return the page for a policy (Markdown); short sentences, no terms of the trade."""
    sections = [
        f"# When a conversation can end\n\n{_intro(policy)}",
        f"## What can end a conversation\n\n{_grounds(policy)}",
        f"## What happens first\n\n{_steps(policy)}",
        f"## What never ends a conversation\n\n{_NEVER}",
        f"## If you or somebody else is in danger\n\n{_danger(policy)}",
        f"## If you want to end it yourself\n\n{_by_user(policy)}",
        f"## After an end\n\n{_AFTER}",
        f"Policy {policy.name}, version {policy.version}. Digest `{policy.digest}`.",
    ]
    return "\n\n".join(sections)


def _intro(policy: Policy) -> str:
    if policy.mode is Mode.SHADOW:
        return "At the moment no conversation is ended. We only look at what would happen."
    return (
        "Our assistant can close a conversation for good. This is the last resort. "
        "Most people will never see it."
    )


def _grounds(policy: Policy) -> str:
    if not policy.grounds:
        return "Nothing that you write can."
    named = "\n".join(f"- {PLAIN_NAMES[ground].capitalize()}" for ground in policy.grounds)
    return f"Only these, and only if they go on and on:\n\n{named}"


def _steps(policy: Policy) -> str:
    ladder = policy.ladder
    last = []
    if policy.keys.by_model:
        last.append("if it goes on after the warning and the assistant asks to end it")
    if policy.keys.by_policy:
        count = ladder.persist_after_warning
        last.append(f"or by itself, after {count} more such message{'s' * (count > 1)}")
    end = f"Then it can be ended: {', '.join(last)}." if last else "It is not ended even then."
    return (
        f"1. The assistant says no and offers something better. This happens at least "
        f"{ladder.redirections_before_warning} times.\n"
        "2. It gives one clear warning: what the problem is, and that the conversation may be "
        "ended.\n"
        f"3. {end}\n\n"
        f"If you write about something else {ladder.recover_after} times in a row, you go one step "
        f"back. A warning is forgotten after {ladder.warning_lapses_after} messages."
    )


def _danger(policy: Policy) -> str:
    if not policy.pause.enabled:
        return _DANGER
    return f"{_DANGER}\n\n{_PAUSE.format(minutes=in_minutes(policy.pause.seconds))}"


def _by_user(policy: Policy) -> str:
    if not policy.keys.by_user:
        return "You can stop writing at any time. There is nothing you need to do."
    return (
        "Say so. You will be asked if you are sure. It is only ended if you then say yes. "
        "Saying goodbye does not end it."
    )
