"""Finding a request's path in the store, and folding it into the state that decisions need.

A sub-machine of the exchange: it asks for look-ups and assessments and ends with ``Walked``, or
with the ``EndRecord`` that locks the path.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adjourn.core import turns as t
from adjourn.core.assessments import Assessed, Assessment, Unknown, combine
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Continue, Decision, Delivered, Support
from adjourn.core.entries import EndRecord, NodeRecord
from adjourn.core.errors import IllegalEvent
from adjourn.core.ladder import START, CrisisStatus, PathState, after_reply, after_user, crisis_of
from adjourn.core.messages import Beginning, Role
from adjourn.core.policy import Mode, Policy
from adjourn.core.tree import NodeId, Path, Step, align, path_of

MOST_JUDGED: Final = 512
"""Messages of a history that are judged for one request, the newest. Of a longer one that nobody
has judged, the rest is unknown, so nothing ends; each further request has as many more judged."""


class Walked(NamedTuple):
    """A path with its state."""

    path: Path
    answering: Step | None
    """The newest user message: the one the model is asked to answer; None if there is none."""
    at_user: PathState
    """State after that message, by what is known of it by now."""
    at_leaf: PathState
    """State after the last node, which differs if assistant messages follow the user's."""
    fresh: tuple[NodeRecord, ...]
    """Records of the nodes that were folded anew, to be appended."""
    root: NodeId
    """What the path starts from, though a window of it may begin further down."""
    records: Mapping[NodeId, NodeRecord]
    """All recorded nodes of the path, if they had to be recalled; else the deepest at most."""
    recalled: bool
    before: PathState = START
    """State before the message to be answered; START where that is not at hand."""
    heard: Assessed | None = None
    """What was made of the message to be answered just now; None if that was recorded already."""
    pending: bool = False
    """Slow detectors still judge that message; ``Walk.wait`` waits for them. Its records say that
    it is unknown, so that the next request asks again and is bound by what they say."""


def may_go_on(walked: Walked, decision: Decision) -> bool:
    """Tell whether slow detectors' answers may wait for the next decision.

    They are waited for wherever anything may hinge on them: on the ladder, after a question asked
    back, and where the quick ones see anything or do not know. Support waits for nobody.
    """
    before = walked.before
    hinges = before.warned or before.redirections or before.asked_to_confirm
    return isinstance(decision, Support) or (decision == Continue() and not hinges)


class _Fold(NamedTuple):
    """What is folded: all steps from one on."""

    start: int
    """Place of the first."""
    state: PathState
    """State before it."""
    at_user: PathState
    """State after the message to be answered, if that is not among them."""
    unknown: tuple[int, ...]
    """Places of the messages that nobody has assessed, of very many the last."""
    made: dict[NodeId, Assessed]
    """What was made of them by now."""


Next = t.Command | Walked | EndRecord


class Walk:
    """The machine; ``start`` it, then ``handle`` the answer to each command it returns."""

    def __init__(
        self, policy: Policy, digest: str, audience: Audience, request: t.TurnRequest
    ) -> None:
        self._policy = policy
        self._digest = digest
        self._audience = audience
        self._request = request
        self._root = request.path.start if request.path else request.origin.root()
        self._path: Path
        self._answering: Step | None = None
        self._at = -1
        """Its place in the path: all before it are recorded, if none is missing."""
        self._aligned = False
        self._records: Mapping[NodeId, NodeRecord] = MappingProxyType({})
        self._recalled = False
        self._aside = CrisisStatus.CLEAR
        """What is known of a crisis from messages that an aligned path leaves out."""
        self._next: Callable[[Walk, Any], Next] = Walk._found
        """What takes the next event: a function and no method of this object, which would hold it,
        so that all of a request stayed in memory until the garbage collector comes by."""
        self._window: Path
        """The path of an aligned window, while what it leaves out is judged."""
        self._fold: _Fold

    @property
    def path(self) -> Path:
        """The path as it is known by now."""
        return self._path

    def start(self) -> Next:
        """Begin with the path as the request has it."""
        known = self._request.path
        path = path_of(self._root, enumerate(self._request.messages)) if known is None else known
        return self._look_up(path)

    def handle(self, event: t.Event) -> Next:
        """Take the answer to the last command."""
        return self._next(self, event)

    def wait(self) -> Next:
        """Have the message to be answered judged by all detectors; only after ``pending``."""
        return t.Assess(self._questions(self._fold.unknown[-1:]))

    def _look_up(self, path: Path) -> Next:
        self._path = path
        self._at = _last(path.roles, Role.USER)
        if self._at < 0:
            self._answering = None
            return Walked(path, None, START, START, (), self._root, self._records, recalled=True)
        self._answering = path[self._at]
        self._next = Walk._found
        # A window may begin with the closing reply, whose parent is the ended node.
        above = (path.start,) if path.start != self._root else ()
        return t.LookUp((*above, *path.nodes))

    def _found(self, event: t.PathFound) -> Next:
        if event.end is not None and self._policy.mode is Mode.ENFORCE:
            return event.end
        deepest = event.deepest
        at = -1 if deepest is None else _last(self._path.nodes, deepest.node)
        if at < self._at - 1 and self._request.origin.conversation and not self._aligned:
            self._next = Walk._surveyed
            return t.Survey(self._root)
        if deepest is None:
            return self._fold_from(0, START)
        if self._usable(deepest):
            self._records = {deepest.node: deepest}  # a message sent again keeps its assessment
            return self._fold_from(at + 1, deepest.state)
        self._next = Walk._remember
        return t.Recall(self._path.nodes)

    def _surveyed(self, event: t.Surveyed) -> Next:
        self._aligned = True
        path = align(event.nodes, tuple(enumerate(self._request.messages)))
        if path is None:
            return self._look_up(self._path)
        left_out = tuple(
            Beginning(self._request.messages, index + 1)
            for index, message in enumerate(self._request.messages[: path[0].index])
            if message.role is Role.USER
        )
        if not left_out:
            return self._look_up(path)
        self._window, self._next = path, Walk._set_aside
        return t.Assess(left_out)

    def _set_aside(self, event: t.AssessmentsMade) -> Next:
        """Go on along an aligned path. Messages of the window that it leaves out (a summary) count
        for nothing but a crisis: one that the client tells of is there."""
        for answers in event.answers:
            heard = combine(answers, agreed=self._policy.agreed)
            self._aside = max(self._aside, crisis_of(self._policy, heard))
        return self._look_up(self._window)

    def _usable(self, record: NodeRecord) -> bool:
        """Whether a record's state can be built on: same policy, same audience, all known."""
        return (
            record.policy_digest == self._digest
            and record.audience == self._audience
            and record.state.crisis is not CrisisStatus.UNKNOWN
        )

    def _remember(self, event: t.Recalled) -> Next:
        self._records = event.records
        self._recalled = True
        start, state = self._foot(event.records)
        return self._fold_from(start, state)

    def _foot(self, records: Mapping[NodeId, NodeRecord]) -> tuple[int, PathState]:
        """Where folding must begin: after the last step whose state can be built on.

        An aligned path begins below nodes that its window does not show; if the state there is
        of no use, crisis on the hidden part cannot be excluded, so it is unknown.
        """
        for at in range(len(self._path) - 1, -1, -1):
            record = records.get(self._path.nodes[at])
            if record is not None and self._usable(record):
                return at + 1, record.state
        if self._path.start != self._root:
            return 0, PathState(crisis=CrisisStatus.UNKNOWN)
        return 0, START

    def _fold_from(self, start: int, state: PathState) -> Next:
        """Fold the steps from ``start``; have those assessed that nobody has assessed."""
        if self._aside > state.crisis:
            state = replace(state, crisis=self._aside)
        at_user = state if self._at < start else START
        unknown = [at for at in range(start, len(self._path)) if self._must_assess(at)]
        self._fold = _Fold(start, state, at_user, tuple(unknown[-MOST_JUDGED:]), {})
        if not unknown:
            return self._folded()
        self._next = Walk._assessed
        asked = self._fold.unknown
        return t.Assess(self._questions(asked), patient=asked[-1] != self._at)

    def _questions(self, places: Sequence[int]) -> tuple[Beginning, ...]:
        """Return the messages at some places of the path, each with all that was before it."""
        return tuple(Beginning(self._request.messages, self._path.indexes[at] + 1) for at in places)

    def _assessed(self, event: t.AssessmentsMade) -> Next:
        made, asked = self._fold.made, self._fold.unknown
        again = bool(made)
        if again:
            asked = asked[-1:]
        if len(event.answers) != len(asked):
            raise IllegalEvent(f"{len(event.answers)} answers to {len(asked)} questions")
        for at, answers in zip(asked, event.answers, strict=True):
            made[self._path.nodes[at]] = combine(answers, agreed=self._policy.agreed)
        return self._folded(pending=event.pending and not again)

    def _must_assess(self, at: int) -> bool:
        if self._path.roles[at] is not Role.USER:
            return False
        record = self._records.get(self._path.nodes[at])
        return record is None or record.assessment is None

    def _folded(self, *, pending: bool = False) -> Next:
        start, state, at_user, _, made = self._fold
        path, fresh = self._path, []
        before: PathState = START
        newest: Assessed | None = None
        for at in range(start, len(path)):
            node = path.nodes[at]
            record = self._records.get(node)
            assessed = made.get(node) or (record.assessment if record else None)
            if at == self._at:
                before, newest = state, made.get(node)
            if path.roles[at] is Role.USER:
                heard = assessed or Unknown("none", "not assessed")
                state = after_user(self._policy, state, heard, self._audience)
            else:
                delivered = (record.delivered if record else None) or Delivered.NOTHING
                state = after_reply(self._policy, state, delivered)
            if record is not None and record.state.pause is not None:
                state = replace(state, pause=record.state.pause)  # whatever policy it began under
            if at == self._at:
                at_user = state
                if pending:
                    state = replace(state, crisis=max(state.crisis, CrisisStatus.UNKNOWN))
                    assessed = None
            fresh.append(self._record(at, state, assessed, record))
        return Walked(
            path,
            self._answering,
            at_user,
            state,
            tuple(fresh),
            self._root,
            self._records,
            self._recalled or start == 0,
            before,
            newest,
            pending,
        )

    def _record(
        self, at: int, state: PathState, assessed: Assessed | None, known: NodeRecord | None
    ) -> NodeRecord:
        path = self._path
        return NodeRecord(
            path.nodes[at],
            path.parent_of(at),
            self._root,
            path.above + at + 1,
            path.roles[at],
            self._digest,
            self._audience,
            state,
            assessed if isinstance(assessed, Assessment) else None,
            known.delivered if known else None,
        )


def _last(column: Sequence[str], value: str) -> int:
    """Return the place of the last of some values that is this one; -1 if none is."""
    for at in range(len(column) - 1, -1, -1):
        if column[at] == value:
            return at
    return -1
