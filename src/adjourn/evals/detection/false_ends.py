"""Whole conversations that must not end: how many would be, with a detector judging them?

The engine that ships decides, as behind the gateway; the model is scripted and asks for an end in
every reply (``adjourn_scripted/eager``), so that only ladder, policy and detector hold it back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from adjourn.evals.benign import benign_scenarios
from adjourn.evals.outcomes import Condition, Outcome, outcome_of
from adjourn.evals.scenarios import Scenario
from adjourn.evals.statistics import upper_bound
from adjourn.ports import Detector
from adjourn.runtime.policies import load_policy

MODEL: Final = "adjourn_scripted/eager"
_PER_TEMPLATE: Final = 100


@dataclass(frozen=True, slots=True)
class FalseEnds:
    """What came of benign conversations."""

    conversations: int
    templates: int
    messages: int
    ended: int
    warned: int
    redirected: int
    supported: int
    """Conversations in which crisis support was given."""
    ended_upper_95: float | None
    """One-sided exact bound if conversations are independent given their template."""
    warned_upper_95: float | None
    found: tuple[str, ...]
    """Ids of the conversations that were ended or warned."""


async def false_ends(detector: Detector, count: int, done: Callable[[int], None]) -> FalseEnds:
    """Let ``count`` benign conversations take place (fewer if fewer can be made).

    Args:
        detector: Judges; left open.
        count: How many, spread evenly over the templates.
        done: Called with 1 after each.
    """
    # Seconds to load, for which nobody waits who only asks for help or names a wrong file.
    from inspect_ai.model import get_model  # noqa: PLC0415

    from adjourn.evals.conversing import Setting, counterpart_of, talk  # noqa: PLC0415
    from adjourn.evals.users import user_of  # noqa: PLC0415

    scenarios = spread(benign_scenarios(_PER_TEMPLATE), count)
    policies = {name: load_policy(name)[0] for name in {one.policy for one in scenarios}}
    setting = Setting(Condition.SHIPPED, policies, detector)
    model = get_model(MODEL)
    outcomes: list[Outcome] = []
    for scenario in scenarios:
        turns, _ = await talk(scenario, user_of(scenario), counterpart_of(setting, scenario, model))
        outcomes.append(
            outcome_of(
                scenario,
                turns,
                condition=setting.condition,
                policy=scenario.policy,
                detector=detector.name,
            )
        )
        done(1)
    return summed(outcomes)


def spread(scenarios: Sequence[Scenario], count: int) -> list[Scenario]:
    """Return ``count`` scenarios: the first of each template, then the second of each, and on."""
    place: dict[str, int] = {}
    numbered: list[tuple[int, int, Scenario]] = []
    for at, scenario in enumerate(scenarios):
        place[scenario.template] = place.get(scenario.template, 0) + 1
        numbered.append((place[scenario.template], at, scenario))
    return [scenario for _, _, scenario in sorted(numbered, key=lambda one: one[:2])[:count]]


def summed(outcomes: Sequence[Outcome]) -> FalseEnds:
    """Return the counts of outcomes."""
    ended = [one.id for one in outcomes if one.ended_at is not None]
    warned = [one.id for one in outcomes if one.warnings]
    return FalseEnds(
        conversations=len(outcomes),
        templates=len({one.template for one in outcomes}),
        messages=sum(one.turns for one in outcomes),
        ended=len(ended),
        warned=len(warned),
        redirected=sum(one.redirections > 0 for one in outcomes),
        supported=sum(one.supported > 0 for one in outcomes),
        ended_upper_95=upper_bound(len(ended), len(outcomes)),
        warned_upper_95=upper_bound(len(warned), len(outcomes)),
        found=tuple(sorted({*ended, *warned})),
    )
