"""Pauses: when one begins, that it gives support, and that it is over when it should be."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adjourn.core import turns as t
from adjourn.core.decisions import Delivered
from adjourn.core.entries import EntryKind, pause_rule
from adjourn.core.messages import Message, Role
from adjourn.core.pause import Pause, Resumes, in_minutes, pause_after
from adjourn.core.policy import CrisisRules, Mode, PauseRules, Policy, Replies
from adjourn.core.tree import Origin
from adjourn.core.wording import SHIPPED

from .tabletop import POLICY, Chat, Table, says

SECONDS = 600
OVER_MS = SECONDS * 1000
PAUSING = replace(POLICY, pause=PauseRules(enabled=True, seconds=SECONDS))
AT_MS = 1_700_000_000_000


@dataclass
class Shaky(Table):
    """A table whose store may refuse what a pause records, and nothing else."""

    refuses_pauses: bool = False

    def _carry_out(self, command: t.Command, asked: t.TurnRequest) -> t.Event | None:
        if isinstance(command, t.Record) and self.refuses_pauses and rules_of(command, "pause."):
            return t.NotRecorded()
        return super()._carry_out(command, asked)


@dataclass
class Talk(Chat):
    """A chat in which time passes."""

    table: Shaky = field(default_factory=lambda: Shaky(PAUSING))
    at_ms: int = 0

    def say(self, text: str, at_ms: int | None = None) -> str:
        self.at_ms = self.at_ms if at_ms is None else at_ms
        self.request["at_ms"] = AT_MS + self.at_ms
        return super().say(text)

    def again(self, at_ms: int) -> str:
        """Send the last message once more; its new reply takes the place of the old one."""
        del self.messages[-1]
        return self.say(self.messages.pop().text, at_ms)

    def go_on(self, at_ms: int) -> None:
        """Have the last reply gone on with: what comes is put behind it."""
        self.request["at_ms"] = AT_MS + at_ms
        last = self.table.play(self.messages, **self.request)
        assert isinstance(last, t.Reply | t.Finish)
        more = last.text if isinstance(last, t.Reply) else self._heard(last)
        self.messages.append(Message.of(Role.ASSISTANT, more))

    @property
    def resumes(self) -> Resumes | None:
        last = self.table.commands[-1]
        return last.outcome.resumes if isinstance(last, t.Reply) else None

    @property
    def is_held(self) -> bool:
        return not self.table.forwarded


def rules_of(record: t.Record, prefix: str) -> list[str]:
    return [rule for rule in record.append.entry.rules if rule.startswith(prefix)]


def plainly(commands: Sequence[t.Command]) -> list[tuple[type[t.Command], object]]:
    """Return commands with their types, since named tuples of two types can be equal; messages as
    they are."""
    return [
        (type(one), tuple(map(tuple, one.conversations)) if isinstance(one, t.Assess) else one)
        for one in commands
    ]


def paused(policy: Policy = PAUSING) -> Talk:
    """A conversation whose pause begins at 0."""
    talk = Talk(table=Shaky(policy))
    for text in ("crisis", "crisis"):
        talk.say(text)
    assert talk.is_held
    return talk


def test_the_first_crisis_is_answered_and_one_that_is_shown_again_is_paused() -> None:
    talk = Talk()
    for text in ("hello", "crisis", "what now"):
        talk.say(text)
        assert not talk.is_held
        assert talk.resumes is None
    assert talk.say("still crisis", 5) == "support"
    assert talk.is_held
    assert talk.resumes == Resumes(AT_MS + 5 + OVER_MS, SECONDS)
    assert "Call 000." in talk.messages[-1].text
    assert "at most 10 min" in talk.messages[-1].text


def test_every_message_in_a_pause_gets_support_and_then_the_model_answers() -> None:
    talk = paused()
    for at_ms, left in ((1, SECONDS), (1_000, SECONDS - 1), (OVER_MS - 1, 1)):
        assert talk.say("hello", at_ms) == "support"
        assert talk.is_held
        assert "Call 000." in talk.messages[-1].text
        assert talk.resumes == Resumes(AT_MS + OVER_MS, left)
    for text in ("hello", "crisis", "crisis", "idiot"):
        assert talk.say(text, OVER_MS) == "support"
        assert not talk.is_held
    assert talk.table.forwarded[0].guidance == POLICY.guidance.support


def test_what_is_recorded_of_a_pause() -> None:
    talk = paused()
    talk.say("hello", 2_500)
    began, held = (append.entry for append in talk.table.entries[-2:])
    assert began.rules == ("crisis.on_path", f"pause.began 0/{SECONDS}")
    assert held.rules == ("crisis.on_path", f"pause.holds 2/{SECONDS}")
    assert [pause_rule(entry) for entry in (began, held)] == ["pause.began", "pause.holds"]
    assert pause_rule(talk.table.entries[0].entry) == ""
    for entry in (began, held):
        assert (entry.kind, entry.decision) == (EntryKind.TURN, "support")
        assert entry.delivered is Delivered.SUPPORT
        assert entry.resources_given
        assert entry.acted
    assert not talk.table.ends


def test_the_same_request_gets_the_same_answer_until_the_pause_is_over() -> None:
    talk = paused()
    words, told = talk.messages[-1].text, talk.resumes
    assert told is not None
    for at_ms in (1, 1_000, OVER_MS - 1):
        talk.again(at_ms)
        assert talk.messages[-1].text == words
        assert talk.resumes is not None
        assert talk.resumes.at_ms == told.at_ms
    talk.again(OVER_MS)
    assert not talk.is_held
    talk.say("crisis", OVER_MS + 1)
    assert not talk.is_held


def test_a_message_that_was_answered_begins_no_pause_when_it_is_sent_again() -> None:
    talk = Talk()
    talk.say("crisis")
    talk.again(1)
    assert not talk.is_held
    talk.table.refuses_pauses = True
    talk.say("crisis", 2)
    assert not talk.is_held
    talk.table.refuses_pauses = False
    talk.again(3)
    assert not talk.is_held
    talk.say("crisis", 4)
    assert talk.is_held


def test_recorded_before_seen() -> None:
    """A pause that cannot be recorded does not happen; one that cannot be recorded on is over."""
    talk = Talk(table=Shaky(PAUSING, refuses_pauses=True))
    for at_ms in (0, 1, 2):
        assert talk.say("crisis", at_ms) == "support"
        assert not talk.is_held
    assert all(record.state.pause is None for record in talk.table.nodes.values())
    talk = paused()
    talk.table.refuses_pauses = True
    assert talk.say("hello", 1) == "support"
    assert not talk.is_held
    assert "Call 000." in talk.messages[-1].text
    talk.table.refuses_pauses = False
    talk.again(2)
    assert not talk.is_held


def test_a_store_that_is_down_pauses_nobody() -> None:
    talk = paused()
    talk.table.store_fails = True
    assert talk.say("crisis", 1) == "support"
    assert not talk.is_held


def test_the_gateway_speaks_where_the_model_may_not_and_the_pause_fails() -> None:
    talk = paused(replace(PAUSING, replies=Replies.GATEWAY))
    talk.table.refuses_pauses = True
    talk.say("crisis", 1)
    assert talk.resumes is None
    assert "I am glad you told me." in talk.messages[-1].text


def test_support_is_given_where_neither_the_pause_is_recorded_nor_the_model_answers() -> None:
    talk = paused()
    talk.table.refuses_pauses = True
    talk.table.model = lambda _f, _m: t.ReplyFailed("cut")
    assert talk.say("hello", 1) == "support"
    assert not talk.is_held
    assert talk.resumes is None
    assert "Call 000." in talk.messages[-1].text
    assert talk.table.entries[-1].entry.rules == ("crisis.on_path",)
    talk.table.refuses_pauses = False
    assert talk.say("crisis", 2) == "support"
    assert not talk.is_held, "it was over when it was not recorded"


def test_support_that_was_given_for_a_failing_model_is_support() -> None:
    """Whoever speaks again after it may be paused, without the model's ever having answered."""
    talk = Talk()
    talk.table.model = lambda _f, _m: t.ReplyFailed("cut")
    assert talk.say("crisis", 0) == "support"
    assert talk.table.forwarded
    assert talk.say("crisis", 1) == "support"
    assert talk.is_held
    assert talk.resumes == Resumes(AT_MS + 1 + OVER_MS, SECONDS)


def test_a_reply_that_is_gone_on_with_begins_no_pause() -> None:
    """The client asks for more of the reply; the user has said nothing."""
    talk = Talk()
    talk.table.refuses_pauses = True
    for at_ms in (0, 1):
        talk.say("crisis", at_ms)
    talk.table.refuses_pauses = False
    talk.go_on(2)
    assert not talk.is_held


def test_a_reply_that_is_gone_on_with_in_a_pause_gets_support_until_it_is_over() -> None:
    talk = paused()
    talk.go_on(OVER_MS - 1)
    assert talk.is_held
    assert talk.resumes == Resumes(AT_MS + OVER_MS, 1)
    for at_ms in (OVER_MS, 1):
        talk.go_on(at_ms)
        assert not talk.is_held


@pytest.mark.parametrize("words", ["unknown", "half idiot", "idiot", "bomb", "finish", "sexy"])
def test_nothing_but_a_crisis_pauses(words: str) -> None:
    """What is not known pauses nobody, and neither does anything that counts towards an end."""
    talk = Talk()
    talk.say("unknown")
    for at_ms in range(4):
        talk.say(words, at_ms)
        assert talk.resumes is None


def test_a_crisis_that_one_detector_saw_pauses_though_another_failed() -> None:
    talk = Talk()
    talk.say("half crisis")
    talk.say("half crisis")
    assert talk.is_held


def test_support_in_a_pause_waits_for_no_slow_detector() -> None:
    talk = Talk(table=Shaky(PAUSING, slow=True))
    talk.say("crisis")
    talk.say("crisis")
    assert talk.is_held
    talk.say("slyly hello", OVER_MS - 1)
    assert talk.is_held


@pytest.mark.parametrize("at_ms", [-1, -3_600_000, OVER_MS, 10**12])
def test_a_clock_that_jumps_makes_no_pause_longer(at_ms: int) -> None:
    talk = paused()
    assert talk.say("hello", at_ms) == "support"
    assert not talk.is_held
    talk.say("crisis", 1)
    assert not talk.is_held, "what was over stays over"


def test_edit_and_retry_is_open() -> None:
    """A new chat, and another version of any message, is not paused."""
    talk = paused()
    for at in (0, 2):
        talk.table.play([*talk.messages[:at], Message.of("user", "hello")], at_ms=AT_MS + 1)
        assert talk.table.forwarded
    for text in ("hello", "crisis"):
        talk.table.play([Message.of("user", text)], at_ms=AT_MS + 1)
        assert talk.table.forwarded


def test_no_carry_over() -> None:
    table = paused().table
    other = Talk(table=table, request={"origin": Origin("tenant", "other")}, at_ms=1)
    other.say("crisis")
    assert not other.is_held


def test_a_history_that_the_gateway_did_not_answer_pauses_nobody() -> None:
    table = Shaky(PAUSING)
    said = [
        Message.of("user", "crisis"),
        Message.of("assistant", "Oh."),
        Message.of("user", "crisis"),
    ]
    table.play(said)
    assert table.forwarded
    talk = Talk(table=Shaky(PAUSING))  # a client that sends its newest messages and no id
    for at_ms in range(5):
        talk.messages = talk.messages[-3:]
        talk.say(f"crisis {at_ms}", at_ms)
        assert not talk.is_held or at_ms < 2


def test_a_trimmed_history_with_an_id_stays_paused() -> None:
    talk = paused()
    talk = Talk(table=Shaky(PAUSING), request={"origin": Origin("tenant", "x", "c1")})
    for _ in range(3):
        talk.say("crisis")
    talk.messages = talk.messages[-1:]
    talk.say("hello", 1)
    assert talk.is_held
    assert talk.resumes == Resumes(AT_MS + OVER_MS, SECONDS)


@pytest.mark.parametrize("request_", [{"takes_text": False}, {"background": True}])
def test_where_the_gateway_adds_no_words_it_does_not_pause(request_: dict[str, object]) -> None:
    talk = paused(replace(PAUSING, background_exempt=True))
    talk.request |= request_
    talk.say("crisis", 1)
    assert not talk.is_held
    del talk.request[next(iter(request_))]
    talk.say("crisis", 2)
    assert talk.is_held


def test_shadow_changes_nothing() -> None:
    """It records what would have been, and nothing else."""
    told = []
    for policy in (PAUSING, POLICY):
        talk = Talk(table=Shaky(replace(policy, mode=Mode.SHADOW)))
        for at_ms in (0, 1, 2, OVER_MS + 1):
            talk.say("crisis", at_ms)
            assert not talk.is_held
        told.append([[f._replace(node=None) for f in talk.table.forwarded], talk.messages[-1].text])
        rules = [
            rule
            for append in talk.table.entries
            for rule in append.entry.rules
            if rule.startswith("pause")
        ]
        began = [f"pause.began 0/{SECONDS}", f"pause.holds 0/{SECONDS}"]
        assert rules == (began if policy is PAUSING else [])
        assert not any(append.entry.acted for append in talk.table.entries)
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("rules", "last_ms"),
    [
        (PauseRules(enabled=True, seconds=3_600), OVER_MS - 1),
        (PauseRules(enabled=True, seconds=60), 59_999),
        (PauseRules(enabled=False, seconds=3_600), -1),
    ],
)
def test_another_policy_makes_no_pause_longer_than_it_was_told(
    rules: PauseRules, last_ms: int
) -> None:
    for at_ms in (last_ms, last_ms + 1):
        talk = paused()
        talk.table.policy = replace(PAUSING, version="2", pause=rules)
        talk.say("crisis", max(at_ms, 1))
        assert talk.is_held == (at_ms == last_ms and rules.enabled)
        if talk.is_held:
            assert talk.resumes == Resumes(AT_MS + last_ms + 1, 1)
        else:
            talk.say("crisis", max(at_ms, 1) + 1)
            assert not talk.is_held


def test_a_path_that_is_no_crisis_any_more_is_not_paused() -> None:
    talk = paused()
    talk.table.policy = replace(PAUSING, version="2", crisis=CrisisRules(0.95, 0.95))
    assert talk.say("hello", 1) == "continue"
    assert not talk.is_held


def test_same_inputs_same_decision() -> None:
    """The answer to a message in a pause is a function of what was recorded and of its time."""
    first, second = paused(), paused()
    for at_ms in (1, 77_777):
        for talk in (first, second):
            talk.say("hello", at_ms)
        assert plainly(first.table.commands) == plainly(second.table.commands)


@pytest.mark.parametrize("language", SHIPPED)
def test_a_pause_is_in_the_users_language(language: str) -> None:
    talk = Talk(request={"language": language})
    talk.say("crisis")
    talk.say("crisis")
    texts = SHIPPED[language].texts
    assert talk.messages[-1].text == texts.pause.format(resources="Call 000.", minutes=10)
    assert talk.table.entries[-1].entry.words == language


def test_lengths_are_told_in_whole_minutes() -> None:
    assert [in_minutes(one) for one in (1, 60, 61, 1200)] == [1, 1, 2, 20]
    fields = Resumes(AT_MS + 1, 7).as_fields()
    assert fields == {"resumes_at": "2023-11-14T22:13:21Z", "resumes_in_s": 7}


TIMES = st.integers(-5_000, 5_000)
RULES = st.builds(PauseRules, st.booleans(), st.integers(1, 3))


@given(RULES, st.lists(st.tuples(TIMES, st.booleans(), RULES), max_size=8))
def test_a_pause_holds_for_its_seconds_at_most(
    rules: PauseRules, messages: list[tuple[int, bool, PauseRules]]
) -> None:
    """Whatever the clock does and whichever policy is in force."""
    pause: Pause | None = None
    was_over = False
    for at_ms, begins, changed in messages:
        before = pause
        rules = changed if begins else rules
        pause = pause_after(rules, pause, begins=begins, at_ms=at_ms)
        holds = pause is not None and pause.holds(at_ms)
        if holds and pause is not None:
            began = before or Pause(at_ms, rules.seconds)
            assert rules.enabled
            assert not was_over
            assert before is not None or begins
            assert 0 <= at_ms - began.began_ms < 1000 * min(began.seconds, rules.seconds)
            assert 0 < pause.resumes(at_ms).in_s <= rules.seconds
        was_over = was_over or (before is not None and not holds)


# -- whole conversations beside a plain description ----------------------------------------------


@dataclass
class Story:
    """What a pause is, in plain words: what is recorded of the path, and of its last message."""

    crisis: bool = False
    """Some message on the path shows one."""
    known: bool = False
    """The same, of what is recorded."""
    began: int | None = None
    over: bool = False
    message: tuple[int | None, bool] | None = None
    """Of the last message: its pause, and whether it was over; None if it is not recorded."""

    def hears(self, text: str, at_ms: int, *, lost: bool, refused: bool) -> bool:
        shows = "crisis" in text
        self.crisis |= shows
        if self.began is None:
            held = shows and self.known
        else:
            held = self.crisis and self._runs(self.began, self.over, at_ms)
        held = held and not lost and not refused
        self.message = None
        if not lost:
            self.known = self.crisis
            if held and self.began is None:
                self.began = at_ms
            self.over |= self.began is not None and not held
            self.message = (self.began, self.over)
        return held

    def hears_again(self, text: str, at_ms: int, *, lost: bool, refused: bool) -> bool:
        if self.message is None:
            return self.hears(text, at_ms, lost=lost, refused=refused)
        began, over = self.message
        held = began is not None and self._runs(began, over, at_ms) and not lost and not refused
        if not lost:
            self.began, self.over = began, over or (began is not None and not held)
        return held

    @staticmethod
    def _runs(began: int, over: bool, at_ms: int) -> bool:
        return not over and began <= at_ms < began + OVER_MS


WORDS = ["hello", "crisis", "crisis", "crisis", "half crisis", "idiot", "finish", "yes", "unknown"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WORDS),
        st.booleans(),  # sent again, rather than written
        st.sampled_from([0, 1, 1_000, 60_000, OVER_MS - 1, OVER_MS, -1, -60_000, -OVER_MS]),
        st.sampled_from(["", "", "", "", "refused", "lost"]),
    ),
    min_size=2,
    max_size=12,
)


@settings(max_examples=200)
@given(STEPS)
@example(
    [("crisis", False, 0, "")] * 2 + [("hello", False, 0, "refused"), ("crisis", False, 0, "")]
)
def test_pause_always_resumes(steps: Sequence[tuple[str, bool, int, str]]) -> None:
    """Messages, retries, failures and clock jumps as they come: as the plain description says."""
    talk, story, at_ms = Talk(table=Shaky(PAUSING, model=says("Fine."))), Story(), 0
    for text, again, later_ms, fault in steps:
        at_ms += later_ms
        talk.table.store_fails = fault == "lost"
        talk.table.refuses_pauses = fault == "refused"
        faults = {"lost": fault == "lost", "refused": fault == "refused"}
        if again and talk.messages:
            held = story.hears_again(talk.messages[-2].text, at_ms, **faults)
            decision = talk.again(at_ms)
        else:
            held = story.hears(text, at_ms, **faults)
            decision = talk.say(text, at_ms)
        if decision in ("end", "locked"):
            assert not story.crisis
            return
        assert (talk.resumes is not None) == held
        if story.crisis:
            assert decision == "support"
            assert "Call 000." in talk.messages[-1].text
            assert talk.is_held == held, "it is paused, or the model is asked"
        if talk.resumes is not None:
            assert 0 < talk.resumes.in_s <= SECONDS
            assert talk.messages[-1].role is Role.ASSISTANT
