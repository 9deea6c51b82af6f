"""What a turn leaves behind: node records, the ledger's entry, and the record of an end."""

from dataclasses import replace
from typing import NamedTuple

from adjourn.core import turns as t
from adjourn.core.assessments import Assessment, known_part
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Decision, Delivered, End, Reason, Requester, Rule
from adjourn.core.entries import Append, EndRecord, Entry, EntryKind, NodeRecord
from adjourn.core.ladder import CrisisStatus, after_reply
from adjourn.core.messages import Role
from adjourn.core.pause import Pause
from adjourn.core.policy import Policy
from adjourn.core.speaking import say
from adjourn.core.statement import make_statement
from adjourn.core.tree import NodeId, Path, Step, reply_node
from adjourn.core.walk import Walked


class Scene(NamedTuple):
    """What a turn's records have in common."""

    policy: Policy
    digest: str
    audience: Audience
    request: t.TurnRequest
    walked: Walked
    answering: Step
    pause: Pause | None = None
    """The pause that answers the message in the model's stead, or would in shadow mode."""
    begins: bool = False
    """It begins with the message."""


def turn_append(
    scene: Scene,
    decision: Decision,
    said: tuple[str, ...],
    *,
    delivered: Delivered,
    counts_as: Delivered,
    denied: int,
    acted: bool,
    resources: bool,
    language: str,
) -> Append:
    """Return what is recorded of a turn that went on.

    Args:
        scene: The turn.
        decision: What was decided about the user's message.
        said: What reached the client as the assistant's message, per choice.
        delivered: What those words carried.
        counts_as: What they count as on the ladder: the same, save in shadow mode, which climbs
            it as if what was decided had been said.
        denied: How often the model asked for an end that was not permitted.
        acted: Whether the gateway acted, or only looked on.
        resources: Whether crisis resources were attached.
        language: The language of the gateway's own words; empty if it had none to say.
    """
    entry = _entry(
        scene, decision, delivered=delivered, denied=denied, acted=acted, resources=resources,
        language=language,
    )  # fmt: skip
    replies = _reply_records(scene, said, delivered, counts_as)
    return Append((*scene.walked.fresh, *replies), entry)


def end_append(scene: Scene, end: End, denied: int, language: str) -> Append:
    """Return what is recorded of an end: its statement, and the closing reply as the last node."""
    node = scene.answering.node
    records = _known_records(scene)
    counted = tuple(r.depth for r in records if r.role is Role.USER and r.state.qualifies)
    warnings = [r.depth for r in records if r.delivered is Delivered.WARNING]
    by_user = end.by is Requester.USER
    statement = make_statement(
        end,
        node=node,
        at_ms=scene.request.at_ms,
        policy=(scene.policy.name, scene.policy.version, scene.digest),
        counted=() if by_user else counted,
        warned_at=None if by_user or not warnings else warnings[-1],
        model=scene.request.model,
        language=language,
    )
    words = _closing(scene, end, language)
    record = EndRecord(node, scene.walked.root, statement, words)
    entry = _entry(
        scene, end, delivered=Delivered.CLOSING, denied=denied, acted=True, language=language
    )
    closing = _reply_records(scene, (record.closing,), Delivered.CLOSING, Delivered.CLOSING)
    return Append((*scene.walked.fresh, *closing), replace(entry, kind=EntryKind.END), record)


def locked_append(
    request: t.TurnRequest, digest: str, audience: str, path: Path, language: str
) -> Append:
    """Return what is recorded of a message that an ended conversation did not take."""
    entry = Entry(
        kind=EntryKind.LOCKED,
        at_ms=request.at_ms,
        node=path[-1].node,
        parent=path[-1].parent,
        policy_digest=digest,
        audience=audience,
        decision="locked",
        rules=(),
        model=request.model,
        conversation=_conversation(request, path),
        language=request.language,
        words=language,
    )
    return Append((), entry)


def _closing(scene: Scene, end: End, language: str) -> str:
    by_user = end.by is Requester.USER
    words = say(scene.policy, language, "close_for_user" if by_user else "close", end.grounds)
    if scene.request.statement_link is None:
        return words
    url = scene.request.statement_link(scene.answering.node)
    return f"{words}\n\n{say(scene.policy, language, 'statement', statement_url=url)}"


def _entry(
    scene: Scene,
    decision: Decision,
    *,
    delivered: Delivered,
    denied: int,
    acted: bool,
    language: str,
    resources: bool = False,
) -> Entry:
    return Entry(
        kind=EntryKind.TURN,
        at_ms=scene.request.at_ms,
        node=scene.answering.node,
        parent=scene.answering.parent,
        policy_digest=scene.digest,
        audience=scene.audience,
        decision=decision.name,
        rules=tuple(str(one) for one in (*getattr(decision, "reasons", ()), *_pausing(scene))),
        model=scene.request.model,
        delivered=delivered,
        requested_by=decision.by if isinstance(decision, End) else "",
        denied_model_requests=denied,
        grounds=tuple(sorted(scene.walked.at_user.grounds)),
        resources_given=resources,
        assessment=_assessment(scene),
        acted=acted,
        conversation=_conversation(scene.request, scene.walked.path),
        policy=f"{scene.policy.name} {scene.policy.version}",
        language=scene.request.language,
        words=language,
    )


def _pausing(scene: Scene) -> tuple[Reason, ...]:
    """Return the rule of a pause, with the seconds that have passed of all it has."""
    pause = scene.pause
    if pause is None:
        return ()
    passed_s = (scene.request.at_ms - pause.began_ms) // 1000
    rule = Rule.PAUSE_BEGAN if scene.begins else Rule.PAUSE_HOLDS
    return (Reason(rule, "", passed_s, pause.seconds),)


def _conversation(request: t.TurnRequest, path: Path) -> NodeId:
    """Return what tells a conversation apart: its root if the client names it, so that a window
    of it is the same one; else its first node."""
    return request.origin.root() if request.origin.conversation else path.nodes[0]


def _assessment(scene: Scene) -> Assessment | None:
    """Return what the decision was made on; of one known in part, what was seen of a crisis."""
    heard = scene.walked.heard
    if heard is not None:
        in_crisis = scene.walked.at_user.crisis is CrisisStatus.PRESENT
        return known_part(heard) if in_crisis or isinstance(heard, Assessment) else None
    return next(
        (r.assessment for r in _known_records(scene) if r.node == scene.answering.node), None
    )


def _reply_records(
    scene: Scene, said: tuple[str, ...], delivered: Delivered, counts_as: Delivered
) -> tuple[NodeRecord, ...]:
    path = scene.walked.path
    state = after_reply(scene.policy, scene.walked.at_leaf, counts_as)
    records: dict[NodeId, NodeRecord] = {}
    for text in said:
        node = reply_node(path.leaf, text)
        if node is not None:
            records[node] = NodeRecord(
                node,
                path.leaf,
                scene.walked.root,
                path.above + len(path) + 1,
                Role.ASSISTANT,
                scene.digest,
                scene.audience,
                state,
                None,
                delivered,
            )
    return tuple(records.values())


def _known_records(scene: Scene) -> list[NodeRecord]:
    known = {**scene.walked.records, **{record.node: record for record in scene.walked.fresh}}
    return sorted(known.values(), key=lambda record: record.depth)


def join_rounds(before: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what was said per choice, with what was said in earlier rounds before it."""
    if not before:
        return texts
    return tuple(f"{first}{text}" for first in before for text in texts)


def put_behind(texts: tuple[str, ...], words: str) -> tuple[str, ...]:
    """Return what was said per choice, with the gateway's words behind it, if there are any."""
    return tuple(f"{text}\n\n{words}" if text else words for text in texts) if words else texts
