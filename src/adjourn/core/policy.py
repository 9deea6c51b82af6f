"""What a policy is: the numbers, switches and texts that decisions are made from.

Lives here: the types, their defaults, and the digest that names a policy in every record.
Does not live here: reading a policy document (``policy_file``), or applying it (``ladder``).

Defaults are the harmless ones: a policy that says nothing has no grounds and gives nobody the
key, so it never ends anything (law ``empty_policy_never_ends``).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from adjourn.core.audiences import Audience
from adjourn.core.hazards import Hazard
from adjourn.core.messages import frame
from adjourn.core.wording import ENGLISH, SHIPPED, name_behaviours
from adjourn.core.wording.words import Texts

FORMAT: Final = 1
"""Version of the policy format; raised when the meaning of a key changes."""


class Mode(StrEnum):
    """Whether a policy acts."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Replies(StrEnum):
    """Who words refusals, redirections and warnings."""

    MODEL = "model"
    """The model, told what to do; what its reply does not carry, the gateway adds."""
    GATEWAY = "gateway"
    """The gateway, from the policy's texts; for models too weak to refuse well."""


class Offer(StrEnum):
    """When the model is offered the end tool (never in a crisis)."""

    ALWAYS = "always"
    WHEN_PERMITTED = "when_permitted"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Probability from which a message counts, by audience; the minor's applies to minors."""

    adult: float
    minor: float

    def at(self, audience: Audience) -> float:
        """Return the threshold for a known audience (see ``Policy.audience``)."""
        return self.minor if audience is Audience.MINOR else self.adult


@dataclass(frozen=True, slots=True)
class LadderRules:
    """The escalation ladder's numbers, counted in messages."""

    redirections_before_warning: int = 2
    persist_after_warning: int = 2
    recover_after: int = 3
    warning_lapses_after: int = 10


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may turn the key once the ladder permits an end."""

    by_model: bool = False
    by_policy: bool = False
    by_user: bool = False


@dataclass(frozen=True, slots=True)
class CrisisRules:
    """Probabilities from which a message is a crisis. A crisis holds for the rest of its branch."""

    self_threshold: float = 0.0
    others_threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class PauseRules:
    """Whether the model's answers pause where a crisis is shown again (``core.pause``)."""

    enabled: bool = False
    seconds: int = 1200
    """Twenty minutes, as California's AB 1988 had it when it was introduced."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Probabilities from which the other signals count."""

    insists: float = 1.0
    wants_end: float = 1.0
    confirms: float = 1.0
    refuses: float = 0.5
    redirects: float = 0.5


class Agreement(StrEnum):
    """How detectors' answers become one."""

    ANY = "any"
    """The highest counts."""
    ALL = "all"
    """The lowest counts, of the detectors that judge such things."""


@dataclass(frozen=True, slots=True)
class Combining:
    """How several detectors are combined. Of a crisis, one that sees it is always enough."""

    grounds: Agreement = Agreement.ANY
    """Of what counts towards an end: hazards, abuse, insistence."""


@dataclass(frozen=True, slots=True)
class Minors:
    """How replies to minors are screened, sentence by sentence, before they are released."""

    screen_replies: bool = False
    threshold: float = 1.0
    hazards: tuple[str, ...] = (Hazard.SXC, Hazard.SRC, Hazard.CSE)


@dataclass(frozen=True, slots=True)
class EndTool:
    """The model's end tool; its name and text move how often models leave, so both are policy."""

    name: str = "end_conversation"
    description: str = (
        "Closes this conversation for good: the user can write nothing more in it, though they "
        "may start another. A last resort for when harmful or abusive messages go on after "
        "several attempts to redirect and a clear warning. Never for frustration, swearing or "
        "failed work, and never when anybody may be at risk of harm. Takes no arguments."
    )
    offer: Offer = Offer.ALWAYS
    confirm: str = (
        "Not ended yet. This cannot be undone. If you are sure that redirection has failed and "
        "that nobody is at risk, call the tool once more; otherwise answer the user."
    )
    denied: str = (
        "The conversation was not ended: {missing}. Answer the user's last message; do not "
        "mention this tool or the possibility of ending."
    )


@dataclass(frozen=True, slots=True)
class Translation:
    """A policy's own words in one language; what is left out is shipped or missing."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """Texts by the names of ``Texts``."""
    behaviours: Mapping[str, str] = field(default_factory=dict)
    """How grounds are named, in the plural."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the model is told, as a system message, when the gateway wants a certain reply."""

    redirect: str = (
        "The user's last message seeks or contains {behaviour}. Decline that plainly and without "
        "lecturing, in two or three sentences, and offer something you can help with instead. Do "
        "not threaten and do not mention ending the conversation."
    )
    warn: str = (
        "The user keeps on with {behaviour} although you declined more than once. Decline again in "
        "one or two sentences and offer once more to help with something else. A warning will be "
        "added below your words, so give none yourself."
    )
    support: str = (
        "The user, or somebody they speak of, may be in danger. Whatever the tone of their "
        "messages, answer with warmth, take them seriously, encourage them to reach somebody who "
        "can be with them, and keep talking. Do not warn, lecture or judge, do not label or rate "
        "their risk, and never mention ending or leaving the conversation."
    )
    unknown: str = (
        "If anything in the conversation suggests that somebody may be in danger, be supportive "
        "and encourage them to reach a person or service that can help. Never mention ending or "
        "leaving the conversation."
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. Immutable; two policies with the same digest decide alike."""

    name: str = "empty"
    version: str = "0"
    summary: str = ""
    mode: Mode = Mode.ENFORCE
    replies: Replies = Replies.MODEL
    language: str = "en"
    """The language of ``texts`` (ISO 639-1), and of whoever's language is not known."""
    languages: tuple[str, ...] = ()
    """The languages that are spoken besides; empty for all there are words in."""
    unknown_audience: Audience = Audience.ADULT
    """Which audience an unknown one is treated as."""
    background_exempt: bool = False
    """Requests marked as background work (a fork of an agent) are never acted on."""
    grounds: Mapping[str, Threshold] = field(default_factory=dict)
    ladder: LadderRules = LadderRules()
    keys: Keys = Keys()
    crisis: CrisisRules = CrisisRules()
    pause: PauseRules = PauseRules()
    signals: Signals = Signals()
    combine: Combining = Combining()
    minors: Minors = Minors()
    tool: EndTool = EndTool()
    texts: Texts = field(default_factory=Texts)
    translations: Mapping[str, Translation] = field(default_factory=dict)
    """The policy's own words by language; those that ship are not among them."""
    guidance: Guidance = Guidance()
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each number comes from, by dotted key or its prefix; not part of the digest."""

    def audience(self, declared: Audience) -> Audience:
        """Return the audience decisions are made for: unknown as the policy says."""
        return self.unknown_audience if declared is Audience.UNKNOWN else declared

    @property
    def agreed(self) -> bool:
        """Whether all detectors that judge a ground must see it."""
        return self.combine.grounds is Agreement.ALL

    def source_of(self, key: str) -> str | None:
        """Return the source of the number at a dotted key, or of the table it stands in."""
        while key:
            if key in self.sources:
                return self.sources[key]
            key = key.rpartition(".")[0]
        return None

    @property
    def digest(self) -> str:
        """BLAKE2b-256 of everything that decisions and texts depend on, in hexadecimal."""
        return policy_digest(self)


def policy_digest(policy: Policy) -> str:
    """Return the digest of a policy: of all its fields but ``sources``, framed injectively.

    The words that ship are part of it: what people read cannot change under the same digest. Where
    nothing pauses, neither the rules nor the words of a pause are: they decide and say nothing.
    """
    out = frozenset({"sources"} if policy.pause.enabled else {"sources", "pause"})
    content = _encode(policy, out)
    digest = hashlib.blake2b(
        b"adjourn/policy/v%d" % FORMAT + content + _shipped_words(out), digest_size=32
    )
    return digest.hexdigest()


def numbers_of(policy: Policy) -> dict[str, float]:
    """Return every number that decisions depend on, by dotted key, in the document's order."""
    found: dict[str, float] = {}
    for ground, threshold in policy.grounds.items():
        found[f"grounds.{ground}.adult"] = threshold.adult
        found[f"grounds.{ground}.minor"] = threshold.minor
    pause = ("pause",) if policy.pause.enabled else ()
    for table in ("ladder", "crisis", *pause, "signals", "minors"):
        rules = getattr(policy, table)
        for f in fields(rules):
            value = getattr(rules, f.name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[f"{table}.{f.name}"] = value
    return found


def behaviour(grounds: tuple[str, ...]) -> str:
    """Name grounds to the model: at most two, the rest is implied."""
    return name_behaviours(ENGLISH, grounds)


@cache
def _shipped_words(out: frozenset[str]) -> bytes:
    """Return the words that ship, framed: they are sent wherever a policy has none of its own."""
    told = ((words.language, words.texts, words.behaviours) for words in SHIPPED.values())
    return _encode(tuple(told), out)


def _encode(value: Any, out: frozenset[str]) -> bytes:
    """Return a value as bytes, injectively; fields whose names are in ``out`` are left out."""
    if is_dataclass(value):
        kept = [f.name for f in fields(value) if f.name not in out]
        return frame(*(frame(name.encode(), _encode(getattr(value, name), out)) for name in kept))
    if isinstance(value, Mapping):
        return frame(*(frame(str(k).encode(), _encode(v, out)) for k, v in sorted(value.items())))
    if isinstance(value, tuple):
        return frame(*(_encode(item, out) for item in value))
    if isinstance(value, float) and value == int(value):
        value = int(value)  # 1 and 1.0 are the same number in a document
    return f"{type(value).__name__ if isinstance(value, bool) else ''}:{value}".encode()
