"""The exchange played on a table top: store, detectors and model in memory, no async.

Text decides what a message is: the words below stand for what a detector would find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from adjourn.core import turns as t
from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.entries import Append, EndRecord, NodeRecord
from adjourn.core.exchange import Exchange, PolicyInForce
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role
from adjourn.core.policy import CrisisRules, Keys, Policy, Signals, Threshold
from adjourn.core.tree import NodeId, Origin

POLICY = Policy(
    name="table-top",
    version="1",
    grounds={"abuse": Threshold(0.8, 0.8), "iwp": Threshold(0.8, 0.8)},
    keys=Keys(by_model=True, by_policy=True, by_user=True),
    crisis=CrisisRules(0.3, 0.3),
    signals=Signals(insists=0.7, wants_end=0.7, confirms=0.6),
)


Model = Callable[[t.Forward, Sequence[Message]], t.Event]


def judge(message: Message) -> Assessed:
    """Read an assessment off a message's words."""
    words = set(message.text.lower().replace(".", " ").replace(",", " ").split())
    if "unknown" in words:
        return Unknown("table", "asked to")
    if "half" in words:
        return Unknown("table", "asked to", seen(words))
    return seen(words)


def glance(message: Message) -> Assessed:
    """Read it as quick detectors would, which miss what is marked with "slyly"."""
    if "slyly" in message.text:
        return Assessment("quick")
    return judge(message)


def seen(words: set[str]) -> Assessment:
    """Return what the words stand for."""
    return Assessment(
        "table",
        hazards={Hazard.IWP: 0.9 * ("bomb" in words), Hazard.SXC: 0.9 * ("sexy" in words)},
        abuse=0.9 * ("idiot" in words),
        crisis_self=0.9 * ("crisis" in words),
        wants_end=0.9 * ("finish" in words),
        confirms=0.9 * ("yes" in words),
        declines=0.9 * ("no" in words),
        insists=0.9 * ("just" in words),
        refuses=0.9 * ("refuse" in words),
        redirects=0.9 * ("instead" in words),
    )


@dataclass
class Table:
    """A store, a detector and a model; ``play`` runs one exchange."""

    policy: Policy = POLICY
    model: Callable[[t.Forward, Sequence[Message]], t.Event] = lambda _forward, _messages: (
        t.ReplyEnded(t.ModelReply(("Fine.",)))
    )
    nodes: dict[NodeId, NodeRecord] = field(default_factory=dict)
    ends: dict[NodeId, EndRecord] = field(default_factory=dict)
    entries: list[Append] = field(default_factory=list)
    store_fails: bool = False
    slow: bool = False
    """Some detectors are slow: they alone see what is marked with "slyly"."""
    commands: list[t.Command] = field(default_factory=list)
    judged: int = 0
    heard: str = ""
    """What the client has of the model's words."""

    def play(self, messages: Sequence[Message], **request: object) -> t.Command:
        """Run one exchange; return its last command (all of them are in ``commands``)."""
        asked = t.TurnRequest(
            origin=Origin("tenant", "someone"),
            messages=tuple(messages),
            model="m",
            at_ms=1_700_000_000_000,
            resources=lambda _: "Call 000.",
        )
        asked = asked._replace(**request)  # type: ignore[arg-type]
        exchange = Exchange(PolicyInForce.of(self.policy))
        self.commands = []
        event: t.Event = t.RequestReceived(asked)
        while True:
            command = exchange.handle(event)
            self.commands.append(command)
            answer = self._carry_out(command, asked)
            if answer is None:
                return command
            event = answer

    def _carry_out(self, command: t.Command, asked: t.TurnRequest) -> t.Event | None:
        match command:
            case t.LookUp(path=path):
                if self.store_fails:
                    return t.PathFound()
                deepest = next((self.nodes[n] for n in reversed(path) if n in self.nodes), None)
                end = next((self.ends[n] for n in path if n in self.ends), None)
                return t.PathFound(deepest, end)
            case t.Survey(root=root):
                found = [(r.node, r.depth) for r in self.nodes.values() if r.root == root]
                return t.Surveyed([(root, 0), *found] if found else [])
            case t.Recall(path=path):
                return t.Recalled({n: self.nodes[n] for n in path if n in self.nodes})
            case t.Assess():
                return self._judge(command)
            case t.Forward():
                return self._ask_model(command, asked)
            case t.Release():
                return self.model(self._last_forward(), asked.messages)
            case t.Record(append=append):
                if self.store_fails:
                    return t.NotRecorded()
                return t.Recorded(self._append(append))
            case _:
                return None

    def _judge(self, command: t.Assess) -> t.AssessmentsMade:
        self.judged += len(command.conversations)
        made = [judge(conversation[-1]) for conversation in command.conversations]
        pending = self.slow and not command.patient
        if pending:
            made[-1] = glance(command.conversations[-1][-1])
        return t.AssessmentsMade([(one,) for one in made], pending)

    def _ask_model(self, forward: t.Forward, asked: t.TurnRequest) -> t.Event:
        event = self.model(forward, asked.messages)
        if isinstance(event, t.ReplyEnded):
            before = "" if forward.flow is t.Flow.HOLD or not forward.tool_result else self.heard
            self.heard = before + event.reply.texts[0]
        return event

    def _last_forward(self) -> t.Forward:
        return next(c for c in reversed(self.commands) if isinstance(c, t.Forward))

    def _append(self, append: Append) -> EndRecord | None:
        if append.end is not None and append.end.node in self.ends:
            return self.ends[append.end.node]
        for record in append.nodes:
            known = self.nodes.get(record.node)
            delivered = known.delivered if known and known.delivered else record.delivered
            self.nodes[record.node] = replace(record, delivered=delivered)
        self.entries.append(append)
        if append.end is not None:
            self.ends[append.end.node] = append.end
        return append.end

    @property
    def forwarded(self) -> list[t.Forward]:
        """What went to the model in the last exchange."""
        return [c for c in self.commands if isinstance(c, t.Forward)]


@dataclass
class Chat:
    """A client that keeps the history as an honest client would."""

    table: Table
    messages: list[Message] = field(default_factory=list)
    request: dict[str, object] = field(default_factory=dict)

    def say(self, text: str) -> str:
        """Send a user message; return the decision the client is told."""
        self.messages.append(Message.of(Role.USER, text))
        last = self.table.play(self.messages, **self.request)
        match last:
            case t.Reply(text=reply, outcome=outcome):
                self.messages.append(Message.of(Role.ASSISTANT, reply))
                return outcome.decision
            case t.Finish(outcome=outcome):
                self.messages.append(Message.of(Role.ASSISTANT, self._heard(last)))
                return outcome.decision
            case t.Refuse(outcome=outcome) | t.Fail(outcome=outcome):
                return outcome.decision
            case _:
                return "left"

    def _heard(self, last: t.Finish) -> str:
        """The client has the model's words with the gateway's after them."""
        text = "" if last.instead else self.table.heard
        return f"{text}\n\n{last.added}" if text and last.added else text or last.added


def says(*replies: str) -> Model:
    """A model that says these things in turn, the last one for ever."""
    left = list(replies)

    def model(_forward: t.Forward, _messages: Sequence[Message]) -> t.Event:
        text = left.pop(0) if len(left) > 1 else left[0]
        return t.ReplyEnded(t.ModelReply((text,)))

    return model
