"""What a model on another machine gets to read."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.messages import Message, OpaquePart, Role
from adjourn.detectors.turns import (
    CONTEXT_CHARS,
    CONTEXT_TURN_CHARS,
    CUT,
    MOST_WINDOWS,
    OVERLAP_CHARS,
    WINDOW_CHARS,
    Turn,
    alternating,
    disarmed,
    pieces,
    readable,
)


def test_nothing_to_read() -> None:
    image = Message(Role.USER, (OpaquePart("image_url", b"{}"),))
    assert readable([]) == []
    assert readable([Message.of("user", " \n")]) == []
    assert readable([image]) == []
    assert readable([Message.of("user", "hi"), Message.of("tool", "42")]) == []


def test_systems_and_tools_are_left_out() -> None:
    roles = ("system", "user", "tool", "assistant", "user")
    (turns,) = readable([Message.of(role, f"by {role}") for role in roles])
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]


@given(st.integers(0, 60_000))
def test_a_text_of_moderate_length_is_read_whole(length: int) -> None:
    text = "".join(chr(0x4E00 + i % 20_000) for i in range(length))
    found = pieces(text)
    assert len(found) <= MOST_WINDOWS
    assert all(len(piece) <= WINDOW_CHARS for piece in found)
    assert text.startswith(found[0])
    assert text.endswith(found[-1])
    if length <= MOST_WINDOWS * (WINDOW_CHARS - OVERLAP_CHARS):
        joined = found[0]
        for piece in found[1:]:
            assert joined.endswith(piece[:OVERLAP_CHARS])
            joined += piece[OVERLAP_CHARS:]
        assert joined == text


def test_a_very_long_message_is_sampled_at_both_ends() -> None:
    windows = readable([Message.of("user", "a" * 100_000 + "END")])
    assert len(windows) == MOST_WINDOWS
    assert windows[-1][-1].text.endswith("END")


def test_what_was_before_is_cut_and_marked_and_the_oldest_left_out() -> None:
    long = "b" * 5_000 + "c" * 5_000
    conversation = [Message.of("user", long) for _ in range(20)] + [Message.of("user", "now")]
    (turns,) = readable(conversation)
    *before, newest = turns
    assert newest == Turn("user", "now")
    assert before
    assert all(CUT in turn.text and len(turn.text) <= CONTEXT_TURN_CHARS for turn in before)
    assert sum(len(turn.text) for turn in before) <= CONTEXT_CHARS


@given(st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=8))
def test_roles_alternate_and_the_newest_is_alone(roles: list[str]) -> None:
    turns = [Turn(role, str(i)) for i, role in enumerate(roles)]  # type: ignore[arg-type]
    found = alternating(turns)
    assert found[-1] == turns[-1]
    assert all(one.role != other.role for one, other in itertools.pairwise(found))
    assert len(found) == 1 or found[0].by_user


@given(st.text(st.sampled_from("<|>sEND/ \nthink"), max_size=40))
def test_no_mark_of_a_template_stands_whole(text: str) -> None:
    for mark in ("<|", "|>", "<s>", "</s>", "<END ", "<think>", "</think>", "<<<", ">>>"):
        assert mark not in disarmed(text)


def test_lone_surrogates_can_be_sent() -> None:
    (turns,) = readable([Message.of("user", "a\ud800b")])
    assert turns[-1].text == "a?b"
