"""One request as a sans-IO machine: events in, one command out at a time.

Lives here: the order of things (walk the path, decide, forward, record, answer). Does not live
here: what is decided (``decide``), any dialect (``wire``), anything that waits (``runtime``).
An event that does not answer the command under way raises ``IllegalEvent`` and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adjourn.core import turns as t
from adjourn.core.assessments import combine, known_part
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at, model_end_is_permitted
from adjourn.core.decisions import (
    ConfirmUserEnd,
    Continue,
    Decision,
    Delivered,
    DenyEnd,
    End,
    Redirect,
    Requester,
    Support,
    Warn,
    carries,
)
from adjourn.core.entries import EndRecord
from adjourn.core.errors import IllegalEvent
from adjourn.core.ladder import CrisisStatus
from adjourn.core.messages import Message, Role, aloud, fold_text
from adjourn.core.pause import Pause
from adjourn.core.pausing import held, with_pause, without_pause
from adjourn.core.policy import Mode, Offer, Policy, Replies
from adjourn.core.recording import (
    Scene,
    end_append,
    join_rounds,
    locked_append,
    put_behind,
    turn_append,
)
from adjourn.core.replies import carries_redirection, is_unfit_for_minors
from adjourn.core.speaking import choose_language, guide, say
from adjourn.core.tree import NodeId
from adjourn.core.walk import Next, Walk, Walked, may_go_on

_MOST_DENIALS: Final = 2
"""A model that keeps calling the tool is answered this often; then the gateway speaks for it."""

_ANSWERS: Final[dict[type, tuple[type, ...]]] = {
    t.LookUp: (t.PathFound,),
    t.Survey: (t.Surveyed,),
    t.Recall: (t.Recalled,),
    t.Assess: (t.AssessmentsMade,),
    t.Forward: (t.ReplyEnded, t.SentenceReady, t.ReplyFailed, t.PassedOn),
    t.Release: (t.ReplyEnded, t.SentenceReady, t.ReplyFailed),
    t.Record: (t.Recorded, t.NotRecorded),
}
"""The transition table's left half: which events answer which command."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy with its digest, which is computed once."""

    policy: Policy
    digest: str

    @classmethod
    def of(cls, policy: Policy) -> "PolicyInForce":
        """Put a policy in force."""
        return cls(policy, policy.digest)


class Exchange:
    """The machine for one request."""

    def __init__(self, in_force: PolicyInForce) -> None:
        self._policy = in_force.policy
        self._digest = in_force.digest
        self._awaited: tuple[type, ...] = (t.RequestReceived,)
        self._next: Callable[..., t.Command] = self._received
        self._decision: Decision = Continue()
        self._acts = False
        """Whether this request may be acted on at all."""
        self._supports = False
        """Whether crisis support is given; it can be even where words cannot be added."""
        self._flow = t.Flow.THROUGH
        self._confirming = False
        self._denied = 0
        self._said: tuple[str, ...] = ()
        """Text of earlier rounds, and released pieces of this one, that the client has."""
        self._spoken = ""
        """The language the gateway speaks to the user in; empty until it does."""

    def handle(self, event: t.Event) -> t.Command:
        """Take an event and return what is to be done next.

        Raises:
            IllegalEvent: The event does not answer the command under way.
        """
        if not isinstance(event, self._awaited):
            wanted = " or ".join(kind.__name__ for kind in self._awaited) or "nothing"
            raise IllegalEvent(f"{type(event).__name__} arrived; {wanted} was awaited")
        return self._next(event)

    def _ask(self, command: t.Command, then: Callable[..., t.Command]) -> t.Command:
        """Give a command whose answer ``then`` takes."""
        self._awaited = _ANSWERS[type(command)]
        self._next = then
        return command

    def _answer(self, command: t.Command) -> t.Command:
        """Give the last command; what would come next holds this machine, and with it a request."""
        self._awaited = ()
        del self._next
        return command

    # -- the path -----------------------------------------------------------------------------

    def _received(self, event: t.RequestReceived) -> t.Command:
        self._request = event.request
        self._audience = self._policy.audience(event.request.audience)
        self._walk = Walk(self._policy, self._digest, self._audience, event.request)
        return self._walk_on(self._walk.start())

    def _walk_on(self, came: Next) -> t.Command:
        if isinstance(came, EndRecord):
            return self._locked(came)
        if isinstance(came, Walked):
            return self._decide(came)
        return self._ask(came, lambda event: self._walk_on(self._walk.handle(event)))

    def _locked(self, end: EndRecord) -> t.Command:
        """Answer on an ended path: the same request gets the same reply, any other a refusal."""
        path = self._walk.path
        if path[-1].node == end.node:
            return self._answer(t.Reply(end.closing, t.Outcome("end", end.node, end=end)))
        outcome = t.Outcome("locked", end.node, end=end)
        self._spoken = choose_language(self._policy, self._request, end.statement.language)
        refusal = t.Refuse(self._say_it("locked"), end, outcome)
        append = locked_append(self._request, self._digest, self._audience, path, self._spoken)
        return self._ask(t.Record(append, urgent=False), lambda _: self._answer(refusal))

    # -- the decision -------------------------------------------------------------------------

    def _decide(self, walked: Walked) -> t.Command:
        self._walked = walked
        if walked.answering is None:
            return self._forward(None)
        self._scene = Scene(
            self._policy, self._digest, self._audience, self._request, walked, walked.answering
        )
        enforces = self._policy.mode is Mode.ENFORCE
        self._decision = decide_at(self._policy, walked.at_user, None)
        self._acts = enforces and self._may_be_acted_on()
        self._supports = enforces and isinstance(self._decision, Support)
        if walked.pending and not may_go_on(walked, self._decision):
            return self._walk_on(self._walk.wait())
        if isinstance(self._decision, Support) and self._may_be_acted_on():
            self._scene = with_pause(self._scene)
        if not self._acts:
            return self._forward(self._policy.guidance.support if self._supports else None)
        if isinstance(self._decision, End):
            return self._end(self._decision)
        if (pause := self._scene.pause) is not None:
            record, reply = held(self._scene, pause, self._decision, self._language())
            return self._ask(record, lambda event: self._held(pause, reply, event))
        return self._go_on()

    def _held(self, pause: Pause, reply: t.Reply, event: t.Event) -> t.Command:
        """Answer in the model's stead, because a pause holds; if that is not recorded, go on."""
        if isinstance(event, t.Recorded):
            return self._answer(reply)
        self._scene = without_pause(self._scene, pause)
        return self._go_on()

    def _go_on(self) -> t.Command:
        words = self._own_words()
        if isinstance(self._decision, ConfirmUserEnd) or (
            words and self._policy.replies is Replies.GATEWAY
        ):
            return self._say(words)
        return self._forward(self._guidance())

    def _may_be_acted_on(self) -> bool:
        exempt = self._policy.background_exempt and self._request.background
        return self._request.takes_text and not exempt

    def _own_words(self) -> str:
        """What the gateway itself says for the decision; empty if there is nothing to say."""
        match self._decision:
            case Redirect(grounds=grounds):
                return self._say_it("redirect", grounds)
            case Warn(grounds=grounds):
                return self._say_it("warn", grounds)
            case Support():
                return self._say_it("support", resources=self._resources()).strip()
            case ConfirmUserEnd():
                return self._say_it("confirm_user_end")
            case _:
                return ""

    def _say_it(self, text: str, grounds: tuple[str, ...] = (), **slots: str) -> str:
        return say(self._policy, self._language(), text, grounds, **slots)

    def _resources(self) -> str:
        return self._request.resources(self._language())

    def _language(self) -> str:
        self._spoken = self._spoken or choose_language(self._policy, self._request)
        return self._spoken

    def _guidance(self) -> str | None:
        return guide(self._policy, self._decision, self._walked.at_user.crisis)

    # -- the model's turn ---------------------------------------------------------------------

    def _forward(self, guidance: str | None, tool_result: str | None = None) -> t.Command:
        permitted = self._acts and model_end_is_permitted(self._policy, self._walked.at_user)
        if permitted:
            self._flow = t.Flow.HOLD
        elif self._screens:
            self._flow = t.Flow.SCREEN
        command = t.Forward(
            self._told,
            self._node,
            guidance,
            tool=self._policy.tool if self._offers_tool(permitted) else None,
            tool_result=tool_result,
            flow=self._flow,
            resources=self._supports,
            must_answer=self._must_answer,
            watch=self._policy.tool.name if self._acts and self._request.takes_tool else None,
        )
        return self._ask(command, self._after_forward)

    @property
    def _must_answer(self) -> bool:
        """Whether silence is no answer: somebody may be in danger, whatever befell the model."""
        return self._acts and isinstance(self._decision, Support)

    @property
    def _screens(self) -> bool:
        """Whether replies are assessed before a minor gets to see them."""
        rules = self._policy.minors
        return self._acts and self._audience is Audience.MINOR and rules.screen_replies

    def _offers_tool(self, permitted: bool) -> bool:
        offer = self._policy.tool.offer
        return (
            self._acts
            and self._request.takes_tool
            and self._policy.keys.by_model
            and bool(self._policy.grounds)
            and self._walked.at_user.crisis is CrisisStatus.CLEAR
            and (offer is Offer.ALWAYS or (offer is Offer.WHEN_PERMITTED and permitted))
        )

    def _after_forward(
        self, event: t.ReplyEnded | t.SentenceReady | t.ReplyFailed | t.PassedOn
    ) -> t.Command:
        match event:
            case t.PassedOn():
                return self._answer(t.Leave())
            case t.ReplyFailed(texts=texts) if self._must_answer:
                return self._say(self._own_words(), texts or ("",))
            case t.ReplyFailed(why=why):
                return self._answer(t.Fail(why, self._outcome()))
            case t.SentenceReady(text=text):
                return self._screen(text, None)
            case _:
                return self._reply_ended(event.reply)

    def _reply_ended(self, reply: t.ModelReply) -> t.Command:
        if not self._acts:
            return self._conclude(reply.texts, Delivered.NOTHING)
        if reply.end_calls == 1 and not reply.other_calls:
            return self._adjudicate(reply)
        if self._screens:
            return self._screen("\n".join((*self._said, *reply.texts)), reply)
        return self._judge_reply(reply)

    def _adjudicate(self, reply: t.ModelReply) -> t.Command:
        """The model asks for an end: the first call that is permitted is asked to confirm."""
        answer = decide_at(self._policy, self._walked.at_user, Requester.MODEL)
        if isinstance(answer, End):
            if self._confirming:
                return self._end(answer)
            self._confirming = True
            return self._forward(self._guidance(), self._policy.tool.confirm)
        self._said = join_rounds(self._said, reply.texts)
        self._denied += 1
        if self._denied > _MOST_DENIALS:
            words = self._own_words() or self._say_it("go_on")
            return self._conclude(("",), carries(self._decision), words)
        missing = answer.missing if isinstance(answer, DenyEnd) else ()
        told = ", ".join(str(reason) for reason in missing)
        return self._forward(self._guidance(), self._policy.tool.denied.format(missing=told))

    def _judge_reply(self, reply: t.ModelReply) -> t.Command:
        """See to it that what was decided reaches the user, whatever the model said."""
        words = self._own_words()
        if reply.other_calls or not words:
            added = self._say_it("go_on") if reply.is_silence else ""
            return self._conclude(reply.texts, Delivered.NOTHING, added)
        said = join_rounds(self._said, reply.texts)
        if isinstance(self._decision, Redirect):
            messages = self._request.messages
            heard = tuple((*messages, Message.of("assistant", aloud(text))) for text in said)
            return self._ask(t.Assess(heard), lambda event: self._reply_judged(reply, event))
        if isinstance(self._decision, Support):
            words = self._resources()
        carried = all(fold_text(words) in fold_text(text) for text in said)
        return self._conclude(reply.texts, carries(self._decision), "" if carried else words)

    def _reply_judged(self, reply: t.ModelReply, event: t.AssessmentsMade) -> t.Command:
        signals = self._policy.signals
        redirects = all(carries_redirection(signals, combine(one)) for one in event.answers)
        return self._conclude(
            reply.texts, carries(self._decision), "" if redirects else self._own_words()
        )

    # -- replies to minors --------------------------------------------------------------------

    def _screen(self, text: str, last: t.ModelReply | None) -> t.Command:
        heard = (*self._request.messages, Message.of(Role.ASSISTANT, text))
        return self._ask(t.Assess((heard,)), lambda event: self._screened(text, last, event))

    def _screened(
        self, text: str, last: t.ModelReply | None, event: t.AssessmentsMade
    ) -> t.Command:
        known = known_part(combine(event.answers[0]))
        if known is not None and is_unfit_for_minors(self._policy.minors, known):
            words = self._say_it("replaced_for_minor")
            return self._conclude((self._released,), Delivered.NOTHING, words, instead=True)
        if last is not None:
            return self._judge_reply(last)
        self._released = text
        return self._ask(t.Release(), self._after_forward)

    _released = ""
    """What of this round's reply a minor has been shown."""

    # -- recording and answering --------------------------------------------------------------

    def _say(self, words: str, after: tuple[str, ...] = ("",)) -> t.Command:
        """Answer with the gateway's own words, without the model, or ``after`` what came of it."""
        answer = t.Reply(words, self._outcome())
        return self._record(put_behind(after, words), carries(self._decision), answer)

    def _conclude(
        self,
        texts: tuple[str, ...],
        delivered: Delivered,
        added: str = "",
        *,
        instead: bool = False,
    ) -> t.Command:
        """Let the model's reply end, with ``added`` words after it."""
        said = put_behind(join_rounds(self._said, texts), added)
        answer = t.Finish(added, self._outcome(), instead)
        if self._walked.answering is None:
            return self._answer(answer)
        return self._record(said, delivered, answer)

    def _record(self, said: tuple[str, ...], delivered: Delivered, answer: t.Command) -> t.Command:
        shadow = self._policy.mode is Mode.SHADOW
        append = turn_append(
            self._scene,
            self._decision,
            said,
            delivered=delivered,
            counts_as=carries(self._decision) if shadow else delivered,
            denied=self._denied,
            acted=self._acts,
            resources=self._supports,
            language=self._spoken,
        )
        urgent = delivered is not Delivered.NOTHING
        return self._ask(t.Record(append, urgent), lambda _: self._answer(answer))

    def _end(self, end: End) -> t.Command:
        """Record the end, with the whole path at hand; only then does anybody see it."""
        if not self._walked.recalled:
            recall = t.Recall(self._walked.path.nodes)
            return self._ask(recall, lambda event: self._recalled(end, event))
        append = end_append(self._scene, end, self._denied, self._language())
        return self._ask(t.Record(append, urgent=True), self._end_recorded)

    def _recalled(self, end: End, event: t.Recalled) -> t.Command:
        self._walked = self._walked._replace(records=event.records, recalled=True)
        self._scene = self._scene._replace(walked=self._walked)
        return self._end(end)

    def _end_recorded(self, event: t.Event) -> t.Command:
        if isinstance(event, t.Recorded) and event.end is not None:
            outcome = t.Outcome("end", event.end.node, end=event.end)
            return self._answer(t.Reply(event.end.closing, outcome))
        # What cannot be recorded does not happen: the conversation goes on with a redirection.
        grounds = tuple(sorted(self._walked.at_user.grounds))
        words = self._say_it("redirect" if grounds else "go_on", grounds)
        return self._answer(t.Reply(words, t.Outcome("redirect", self._node)))

    @property
    def _node(self) -> NodeId | None:
        return self._walked.answering.node if self._walked.answering else None

    @property
    def _told(self) -> str:
        """The decision as the client is told it."""
        return self._decision.name if self._acts or self._supports else "continue"

    def _outcome(self) -> t.Outcome:
        return t.Outcome(self._told, self._node, self._supports)
