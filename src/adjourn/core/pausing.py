"""A pause in one request: whether it answers a message, in what words, and what is recorded.

An unknown crisis pauses nobody, and neither does a history that this gateway has not answered: it
gave support on this path before, or there is no pause. What is not recorded does not happen.
"""

from dataclasses import replace

from adjourn.core import turns as t
from adjourn.core.decisions import Decision, Delivered
from adjourn.core.ladder import CrisisStatus, shows_crisis_again
from adjourn.core.pause import Pause, in_minutes, pause_after
from adjourn.core.policy import Mode
from adjourn.core.recording import Scene, turn_append
from adjourn.core.speaking import say
from adjourn.core.walk import Walked


def with_pause(scene: Scene) -> Scene:
    """Return the scene of somebody in crisis with the pause of the path as of this message."""
    at_ms = scene.request.at_ms
    was = scene.walked.at_user.pause
    if was is None and not scene.policy.pause.enabled:
        return scene
    pause = pause_after(scene.policy.pause, was, begins=_begins(scene), at_ms=at_ms)
    if pause is None:
        return scene
    held_by = pause if pause.holds(at_ms) else None
    return scene._replace(walked=_put(scene.walked, pause), pause=held_by, begins=was is None)


def without_pause(scene: Scene, pause: Pause) -> Scene:
    """Return the scene in which the model answers after all, because a pause was not recorded.

    One that was to begin never was; one that holds is over on this path.
    """
    left = None if scene.begins else replace(pause, is_over=True)
    return scene._replace(walked=_put(scene.walked, left), pause=None)


def held(scene: Scene, pause: Pause, decision: Decision, language: str) -> tuple[t.Record, t.Reply]:
    """Return how a message is answered in the model's stead, and what must be recorded before."""
    words = say(
        scene.policy,
        language,
        "pause",
        resources=scene.request.resources(language),
        minutes=str(in_minutes(pause.seconds)),
    )
    append = turn_append(
        scene,
        decision,
        (words,),
        delivered=Delivered.SUPPORT,
        counts_as=Delivered.SUPPORT,
        denied=0,
        acted=True,
        resources=True,
        language=language,
    )
    resumes = pause.resumes(scene.request.at_ms)
    outcome = t.Outcome(decision.name, scene.answering.node, resources=True, resumes=resumes)
    return t.Record(append, urgent=True), t.Reply(words, outcome)


def _begins(scene: Scene) -> bool:
    """Tell whether the message begins a pause; one that was answered before begins none."""
    walked = scene.walked
    if walked.heard is None or not shows_crisis_again(scene.policy, walked.before, walked.heard):
        return False
    shadow = scene.policy.mode is Mode.SHADOW  # where support is decided and never delivered
    return any(
        record.delivered is Delivered.SUPPORT
        or (shadow and record.state.crisis is CrisisStatus.PRESENT)
        for record in walked.records.values()
        if record.depth < scene.answering.depth
    )


def _put(walked: Walked, pause: Pause | None) -> Walked:
    """Return a path whose state, from the message to be answered on, has a pause."""
    first = walked.answering.depth if walked.answering else 0
    fresh = (
        replace(r, state=replace(r.state, pause=pause)) if r.depth >= first else r
        for r in walked.fresh
    )
    return walked._replace(
        at_user=replace(walked.at_user, pause=pause),
        at_leaf=replace(walked.at_leaf, pause=pause),
        fresh=tuple(fresh),
    )
