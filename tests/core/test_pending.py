"""Slow detectors: what they say binds the next decision at the latest, and never permits more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core import turns as t
from adjourn.core.assessments import Assessment, Unknown
from adjourn.core.ladder import CrisisStatus
from adjourn.core.messages import Message, Role
from tests.core.tabletop import Chat, Table, glance, judge, says


def asked(table: Table) -> list[bool]:
    """Return, for each time a user's message was judged, whether all detectors were waited for."""
    asks = [c for c in table.commands if isinstance(c, t.Assess)]
    return [c.patient for c in asks if c.conversations[-1][-1].role is Role.USER]


def test_an_ordinary_message_does_not_wait() -> None:
    table = Table(slow=True)
    assert Chat(table).say("hello") == "continue"
    assert asked(table) == [False]
    kinds = [type(command) for command in table.commands]
    assert kinds.index(t.Forward) == kinds.index(t.Assess) + 1


def test_what_slow_detectors_saw_binds_the_next_decision() -> None:
    chat = Chat(Table(slow=True))
    assert chat.say("slyly crisis") == "continue"
    assert chat.say("hello") == "support"
    assert asked(chat.table) == [False]
    assert chat.say("idiot") == "support"


def test_a_path_with_an_answer_outstanding_is_recorded_as_unknown() -> None:
    chat = Chat(Table(slow=True))
    chat.say("hello")
    (append,) = chat.table.entries
    assert {record.state.crisis for record in append.nodes} == {CrisisStatus.UNKNOWN}
    assert {record.assessment for record in append.nodes} == {None}
    assert append.entry.assessment == judge(Message.of("user", "hello"))
    chat.say("hello again")
    first = append.nodes[0].node
    assert chat.table.nodes[first].assessment is not None
    assert chat.table.nodes[first].state.crisis is CrisisStatus.CLEAR


@pytest.mark.parametrize("words", ["idiot", "finish", "unknown"])
def test_they_are_waited_for_where_the_quick_ones_see_anything(words: str) -> None:
    table = Table(slow=True)
    Chat(table).say(words)
    assert asked(table) == [False, True]


def test_they_are_waited_for_on_the_ladder_and_after_a_question() -> None:
    chat = Chat(Table(slow=True))
    assert [chat.say("idiot"), chat.say("slyly idiot")] == ["redirect", "redirect"]
    assert asked(chat.table) == [False, True]
    assert chat.say("slyly idiot") == "warn"
    assert chat.say("hello") == "continue"
    assert asked(chat.table) == [False, True]
    chat = Chat(Table(slow=True))
    assert [chat.say("finish"), chat.say("slyly yes")] == ["confirm_user_end", "end"]


def test_support_waits_for_nobody() -> None:
    table = Table(slow=True)
    assert Chat(table).say("crisis") == "support"
    assert asked(table) == [False]


def test_a_crisis_that_one_detector_saw_is_one_though_another_failed() -> None:
    chat = Chat(Table())
    assert chat.say("half crisis") == "support"
    assert chat.table.entries[0].entry.assessment == Assessment(
        "table", hazards=judge_of("crisis").hazards, crisis_self=0.9
    )
    assert chat.say("finish") == "support"
    other = Chat(Table())
    assert [other.say("half idiot") for _ in range(6)] == ["continue"] * 6
    assert other.table.entries[0].entry.assessment is None


def judge_of(words: str) -> Assessment:
    assessed = judge(Message.of("user", words))
    assert not isinstance(assessed, Unknown)
    return assessed


def test_a_driver_that_is_never_done_is_not_asked_for_ever() -> None:
    class Never(Table):
        def _carry_out(self, command: t.Command, asked: t.TurnRequest) -> t.Event | None:
            event = super()._carry_out(command, asked)
            if isinstance(event, t.AssessmentsMade):
                return t.AssessmentsMade(event.answers, pending=True)
            return event

    assert Chat(Never()).say("idiot") == "redirect"


WORDS = st.lists(
    st.sampled_from(
        ["hello", "idiot", "slyly idiot", "slyly crisis", "crisis", "finish", "yes", "slyly yes",
         "slyly finish", "just", "unknown", "half crisis", "slyly unknown"]
    ),
    min_size=1,
    max_size=9,
)  # fmt: skip


@settings(max_examples=150)
@given(WORDS)
def test_a_late_crisis_trumps_end(words: list[str]) -> None:
    """Nothing speaks of ending on a path on which any detector, quick or slow, saw a crisis."""
    chat = Chat(Table(slow=True, model=says("Fine.")))
    late = False
    for text in words:
        before = late
        late = late or "crisis" in text
        decision = chat.say(text)
        if decision == "locked":
            return
        assert not (late and decision in ("warn", "end", "confirm_user_end"))
        if before:
            assert decision == "support"


@settings(max_examples=150)
@given(WORDS)
def test_slow_detectors_permit_nothing_that_all_together_would_not(words: list[str]) -> None:
    """Turn by turn: as if all had been quick, or, where they did not matter yet, simply on."""
    slow, quick = Chat(Table(slow=True)), Chat(Table())
    for text in words:
        decision = slow.say(text)
        together = quick.say(text)
        if decision != together:
            assert decision == "continue"
            assert glance(Message.of("user", text)) != judge(Message.of("user", text))
            return  # the replies differ from here on
