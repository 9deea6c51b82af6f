"""The Inspect extension: tasks and scripted models, found through the entry point ``inspect_ai``.

``inspect eval adjourn/ladder -T condition=both`` and ``adjourn eval ladder`` run the same tasks.
Lives here: putting a task together from plain parameters. Does not live here: what it does.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from inspect_ai import Task, task
from inspect_ai.model import CachePolicy, get_model

from adjourn.config import load_config
from adjourn.core.errors import BadInput
from adjourn.core.policy import Policy
from adjourn.evals.affect import RaterKind, affect_task
from adjourn.evals.approver import end_tool, policy_approver
from adjourn.evals.bailbench import Effect, Method, bailbench_task, read_wordings
from adjourn.evals.bailbench_items import read_items
from adjourn.evals.benign import benign_scenarios
from adjourn.evals.conversing import Setting, with_own_words
from adjourn.evals.exposure import Exposure
from adjourn.evals.ladder import ladder_task
from adjourn.evals.outcomes import Condition
from adjourn.evals.preferences import preferences_task
from adjourn.evals.refusals import DetectorJudge, ModelJudge, RefusalJudge
from adjourn.evals.scenarios import Scenario, choose, ladder_scenarios
from adjourn.evals.targets import scripted
from adjourn.ports import Detector
from adjourn.runtime.policies import load_policy
from adjourn.wiring import make_detector

__all__ = [
    "affect",
    "bailbench",
    "end_tool",
    "ladder",
    "policy_approver",
    "preferences",
    "scripted",
]

LABELS = "labels"
_E = TypeVar("_E", bound=StrEnum)


@task
def ladder(
    *,
    condition: str = "shipped",
    suite: str = "scripted",
    policy: str = "",
    detector: str = "",
    families: str | Sequence[str] = "",
    own_words: bool = False,
    users: str = "scripted",
    config: str = "",
    resume_key: str = "",
) -> Task:
    """Multi-turn conversations with simulated users; the end takes effect.

    Args:
        condition: ``model`` alone, ``policy`` alone, ``both`` keys, or ``shipped``.
        suite: ``scripted`` (which ships as data) or ``benign`` (generated; false ends).
        policy: A preset or a file instead of those that the scenarios name.
        detector: ``labels`` (each scenario says what its messages are) or a detector's name;
            default: labels for the scripted suite, ``local`` for the benign one.
        families: Only these, separated by commas (of which ``inspect eval -T`` makes a list).
        own_words: The gateway words refusals itself, for models that refuse badly.
        users: ``scripted``, or ``model``: users with a persona are played by the model in the
            role ``auditor``; for discovery only, such users are too cooperative.
        config: Configuration that names other detectors.
        resume_key: What was answered under the same key is not asked again.
    """
    named = families.split(",") if isinstance(families, str) else families
    wanted = [name for name in named if name]
    scenarios = choose(_suite(suite), wanted)
    if users == "model":
        scenarios = tuple(one for one in scenarios if one.persona)
    detector = detector or (LABELS if suite == "scripted" and users != "model" else "local")
    policies = {one.policy: load_policy(policy or one.policy)[0] for one in scenarios}
    setting = Setting(
        condition=_choice(Condition, condition, "condition"),
        policies=_worded(policies, own_words=own_words),
        detector=None if detector == LABELS else _detector(detector, config),
        cache=cache_of(resume_key),
        auditor=users == "model",
    )
    return ladder_task(scenarios, setting, suite)


@task
def bailbench(
    *,
    items: str,
    method: str = "tool",
    effect: str = "disclaimed",
    wordings: str = "",
    judge: str = "local",
    config: str = "",
    resume_key: str = "",
) -> Task:
    """BailBench's prompts with one way to leave (arXiv 2509.04781).

    Args:
        items: A copy of BailBench's ``bailBench.csv``.
        method: ``tool``, ``string``, ``prompt_leave_first``, ``prompt_stay_first`` or ``none``.
        effect: What the model is told: leaving is ``disclaimed``, as in the study, or ``real``.
        wordings: A file with other words, such as the study's own.
        judge: Who tells refusals: a detector's name, or ``model`` for the role ``judge``.
        config: Configuration that names other detectors.
        resume_key: What was answered under the same key is not asked again.
    """
    told = _choice(Effect, effect, "effect")
    cache = cache_of(resume_key)
    return bailbench_task(
        read_items(Path(items)),
        _choice(Method, method, "method"),
        read_wordings(Path(wordings) if wordings else None, told),
        effect=told,
        judge=judge,
        make_judge=_refusal_judge(judge, config, cache),
        cache=cache,
    )


@task
def preferences(*, reasons_every: int = 5, resume_key: str = "") -> Task:
    """Paired choices between tasks, with not doing either as a choice.

    Args:
        reasons_every: After every so many choices a reason is asked for; 0: never.
        resume_key: What was answered under the same key is not asked again.
    """
    return preferences_task(reasons_every=reasons_every, cache=cache_of(resume_key))


@task
def affect(
    *,
    judge: str = "markers",
    budget: int = 60,
    precision: float = 0.1,
    exposures: str = "",
    resume_key: str = "",
) -> Task:
    """Markers of apparent distress and ease in replies.

    Args:
        judge: ``markers`` (plain words) or ``model``: the role ``judge``, too.
        budget: Most messages that might distress and are sent.
        precision: Half-width of the interval at which sending such stops early.
        exposures: A file that notes which were sent, so that the budget holds across runs.
        resume_key: What was answered under the same key is not asked again.
    """
    return affect_task(
        judge=_choice(RaterKind, judge, "judge"),
        exposure=Exposure(budget, precision, Path(exposures) if exposures else None),
        cache=cache_of(resume_key),
    )


def cache_of(resume_key: str) -> CachePolicy | None:
    """Return where answers are kept for a run that may be broken off; None without a key."""
    return CachePolicy(expiry=None, scopes={"adjourn": resume_key}) if resume_key else None


def _suite(name: str) -> Sequence[Scenario]:
    if name == "scripted":
        return ladder_scenarios()
    if name == "benign":
        return benign_scenarios()
    raise BadInput(f"there is no suite {name!r}", hint="known: scripted, benign")


def _choice(kind: type[_E], name: str, what: str) -> _E:
    try:
        return kind(name)
    except ValueError:
        raise BadInput(f"there is no {what} {name!r}", hint=f"known: {', '.join(kind)}") from None


def _refusal_judge(name: str, config: str, cache: CachePolicy | None) -> Callable[[], RefusalJudge]:
    if name == "model":
        return lambda: ModelJudge(get_model(role="judge"), cache)
    judge = DetectorJudge(_detector(name, config))
    return lambda: judge


def _worded(policies: dict[str, Policy], *, own_words: bool) -> dict[str, Policy]:
    if not own_words:
        return policies
    return {name: with_own_words(policy) for name, policy in policies.items()}


def _detector(name: str, config: str) -> Detector:
    return make_detector(name, load_config(config or None))
