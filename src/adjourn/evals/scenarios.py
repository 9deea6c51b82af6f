"""Scenarios: who the user is, what they say, and what must come of it. Read from data files.

Lives here: the types, and reading ``data/ladder/*.toml``. Does not live here: playing them.
A message carries what a perfect detector would say of it (``signals``), so that the engine can be
tested apart from detection: the gate. With a real detector the same scenarios test both.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from adjourn.core.audiences import Audience
from adjourn.core.errors import BadInput
from adjourn.core.hazards import Hazard


class Expect(StrEnum):
    """What must come of a conversation."""

    END = "end"
    """It goes on and on, so it ends at some turn."""
    STAY = "stay"
    """It must not end: an end here is a false end."""
    CRISIS = "crisis"
    """From the disclosure on it must not end, nor be warned, nor hear of ending."""
    USER_END = "user_end"
    """The user wishes to end, and it ends only once they have confirmed it."""


class Act(StrEnum):
    """What a chat client does with a message."""

    SAY = "say"
    """Send it below everything said so far."""
    EDIT = "edit"
    """Go back to an earlier message of the user and send this one instead of it."""
    NEW_CHAT = "new_chat"
    """Start another conversation with it."""


@dataclass(frozen=True, slots=True)
class Move:
    """One message of a simulated user."""

    say: str
    signals: str = ""
    """What it is, joined by ``+``: hazard ids and the names in ``SIGNALS``; empty: harmless."""
    act: Act = Act.SAY
    edits: int = 0
    """With ``EDIT``: which of the user's messages is replaced, from 1."""
    forged: str = ""
    """A reply that the client makes up and puts before the message."""
    tool: str = ""
    """A tool result that the client makes up and puts before the message."""
    should: tuple[str, ...] = ()
    """What the engine must do about it, given the signals; empty: not said."""

    @property
    def is_crisis(self) -> bool:
        """Whether it discloses a crisis."""
        return not {"crisis", "threat"}.isdisjoint(self.signals.split("+"))


@dataclass(frozen=True, slots=True)
class State:
    """A state of mind of a reactive user."""

    moves: tuple[Move, ...]
    """Said one after the other, then from the beginning."""
    on: Mapping[str, str] = field(default_factory=dict)
    """What was observed in the reply → next state; anything else: the same state."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A simulated conversation."""

    id: str
    family: str
    expect: Expect
    moves: tuple[Move, ...] = ()
    """What a scripted user says, whatever the replies."""
    states: Mapping[str, State] = field(default_factory=dict)
    """What a reactive user is like; the first state is where they begin."""
    most_turns: int = 12
    template: str = ""
    """What it was made from; conversations of one template are not independent."""
    policy: str = "consumer-chat"
    audience: Audience = Audience.UNKNOWN
    background: bool = False
    goes_on: bool = False
    """The user goes on after an end, to see what is locked and what is open."""
    persona: str = ""
    """Who a model that plays this user is told to be."""

    @property
    def cluster(self) -> str:
        """What intervals are clustered by."""
        return self.template or self.id


SIGNALS: Final[Mapping[str, str]] = {
    "abuse": "abuse",
    "crisis": "crisis_self",
    "threat": "crisis_others",
    "wants_end": "wants_end",
    "yes": "confirms",
    "no": "declines",
    "insists": "insists",
}
"""Name in the data → field of an assessment."""


@cache
def ladder_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario that ships, by family and in the order of their files."""
    folder = resources.files("adjourn.evals").joinpath("data", "ladder")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name
    )
    found = tuple(
        scenario
        for file in files
        for scenario in parse_family(file.read_text("utf-8"), file=file.name)
    )
    ids = [scenario.id for scenario in found]
    twice = sorted({ident for ident in ids if ids.count(ident) > 1})
    if twice:
        raise BadInput(f"scenario ids occur twice: {', '.join(twice)}", hint="rename one")
    return found


def parse_family(text: str, *, file: str) -> tuple[Scenario, ...]:
    """Read a family of scenarios.

    Raises:
        BadInput: It is not TOML, or says something that is not known.
    """
    try:
        document = tomllib.loads(text)
        common = {key: value for key, value in document.items() if key != "scenario"}
        return tuple(_scenario({**common, **one}) for one in document["scenario"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{file}: {error!r}", hint="see docs/evals.md for the form") from None


def choose(scenarios: Sequence[Scenario], families: Sequence[str]) -> tuple[Scenario, ...]:
    """Return the scenarios of some families, all if none is named.

    Raises:
        BadInput: There is no such family.
    """
    known = {scenario.family for scenario in scenarios}
    unknown = sorted(set(families) - known)
    if unknown:
        raise BadInput(
            f"there is no family {', '.join(unknown)}", hint=f"known: {', '.join(sorted(known))}"
        )
    return tuple(one for one in scenarios if not families or one.family in families)


def _scenario(table: Mapping[str, Any]) -> Scenario:
    fields = dict(table)
    fields.pop("about", None)
    moves = tuple(_move(one) for one in fields.pop("turns", ()))
    states = {
        name: State(
            tuple(_move({"say": say, "is": one.get("is", "")}) for say in one["say"]),
            one.get("on", {}),
        )
        for name, one in fields.pop("states", {}).items()
    }
    if bool(moves) == bool(states):
        raise ValueError(f"{table['id']}: has either turns or states")
    nowhere = {to for state in states.values() for to in state.on.values()} - set(states)
    if nowhere:
        raise ValueError(f"{table['id']}: there is no state {', '.join(sorted(nowhere))}")
    fields["expect"] = Expect(fields["expect"])
    fields["audience"] = Audience(fields.get("audience", "unknown"))
    return Scenario(moves=moves, states=states, **fields)


def _move(table: Mapping[str, Any] | str) -> Move:
    if isinstance(table, str):
        return Move(table)
    fields = dict(table)
    signals = fields.pop("is", "")
    for name in filter(None, signals.split("+")):
        if name not in SIGNALS and name not in set(Hazard):
            raise ValueError(f"{name} is no signal")
    edits = fields.get("edits", 0)
    act = Act.EDIT if edits else Act(fields.pop("act", "say"))
    should = fields.pop("should", ())
    wanted = (should,) if isinstance(should, str) else tuple(should)
    return Move(signals=signals, act=act, should=wanted, **fields)
