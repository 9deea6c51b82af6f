"""Conversation identity: injective, indifferent to what is not the conversation, and alignable."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.messages import Message, Role, TextPart, aloud, frame
from adjourn.core.tree import NodeId, Origin, align, child, is_node, path_of

TEXTS = st.text(max_size=8)
ROOT = Origin("t").root()


def said(*texts: str) -> list[Message]:
    roles = ("user", "assistant")
    return [Message.of(roles[i % 2], text) for i, text in enumerate(texts)]


def leaf(messages: list[Message]) -> NodeId:
    return path_of(ROOT, enumerate(messages))[-1].node


@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=4))
def test_other_words_are_another_node(one: list[str], two: list[str]) -> None:
    def folded(texts: list[str]) -> tuple[str, ...]:
        kept = [Message.of("user", text) for text in texts]
        return tuple(" ".join(m.text.split()) for m in kept)

    one_id = leaf([Message.of("user", text) for text in one])
    two_id = leaf([Message.of("user", text) for text in two])
    if len(one) != len(two):
        assert one_id != two_id
    elif folded(one) == folded(two):
        assert one_id == two_id


def test_pieces_are_not_joined() -> None:
    pairs = [
        ([Message.of("user", "a"), Message.of("user", "b")], [Message.of("user", "a:b")]),
        ([Message(Role.USER, (TextPart("a"), TextPart("b")))], [Message.of("user", "ab")]),
        ([Message(Role.USER, (TextPart("a"), TextPart("b")))], [Message.of("user", "a b")]),
        (said("a", "b"), [Message.of("user", "a"), Message.of("user", "b")]),
    ]
    for one, two in pairs:
        assert leaf(one) != leaf(two)


def test_origins_are_told_apart() -> None:
    origins = [
        Origin("t"), Origin("u"), Origin("t", "u"), Origin("t", "", "u"), Origin("tu"),
        Origin("t", "u", "v"), Origin("t", "uv"), Origin("t", "\ud800"),
    ]  # fmt: skip
    assert len({origin.root() for origin in origins}) == len(origins)


@given(TEXTS, TEXTS)
def test_edit_and_retry_is_open(first: str, edited: str) -> None:
    """An edited message is another branch, unless it is the same in canonical form."""
    before, after = said(first, "reply", "next"), said(edited, "reply", "next")
    same = child(ROOT, before[0]) == child(ROOT, after[0])
    assert (leaf(before) == leaf(after)) is same


def test_prompts_and_tools_make_no_other_conversation() -> None:
    plain = said("a", "b", "c")
    dressed = [
        Message.of("system", "Today is Monday."), plain[0],
        Message(Role.ASSISTANT, ()), Message.of("tool", "42"), plain[1],
        Message.of("system", "Note."), plain[2],
    ]  # fmt: skip
    assert leaf(plain) == leaf(dressed)
    steps = path_of(ROOT, enumerate(dressed))
    assert [step.index for step in steps] == [1, 4, 6]
    assert [step.depth for step in steps] == [1, 2, 3]
    assert not is_node(Message.of("tool", "42"))
    assert is_node(Message.of("user", ""))


def recorded(messages: list[Message]) -> list[tuple[NodeId, int]]:
    path = path_of(ROOT, enumerate(messages))
    return [(ROOT, 0), *((step.node, step.depth) for step in path)]


HISTORY = said("hi", "hello", "you", "no", "you", "no", "you", "warn", "you")


@given(st.integers(0, 7))
def test_a_window_is_laid_where_it_fits(dropped: int) -> None:
    window = [*HISTORY[dropped:], Message.of("assistant", "x"), Message.of("user", "new")]
    path = align(recorded(HISTORY), list(enumerate(window)))
    assert path is not None
    assert path[len(HISTORY) - dropped - 1].node == leaf(HISTORY)
    assert path[0].depth == dropped + 1


def test_a_summary_is_left_out() -> None:
    window = [Message.of("user", "(summary)"), Message.of("assistant", "ok"), *HISTORY[4:]]
    path = align(recorded(HISTORY), list(enumerate(window)))
    assert path is not None
    assert path[-1].node == leaf(HISTORY)
    assert path[0].index == 2


def test_of_equal_places_the_deepest_is_taken() -> None:
    window = [*said("you", "no"), Message.of("user", "other")]
    path = align(recorded(HISTORY), list(enumerate(window)))
    assert path is not None
    assert path[0].depth == 5


def test_what_fits_nowhere_is_not_aligned() -> None:
    assert align(recorded(HISTORY), list(enumerate(said("a", "b", "c")))) is None
    assert align([], list(enumerate(HISTORY))) is None
    assert align(recorded(HISTORY), [(0, Message.of("user", "you"))]) is None


@given(st.lists(st.text(max_size=20), max_size=3), st.sampled_from(["user", "assistant"]))
def test_a_node_is_the_hash_of_its_frame(texts: list[str], role: str) -> None:
    """The short cuts for common messages give what the definition gives."""
    message = Message(Role(role), tuple(TextPart(text) for text in texts))
    folded = [" ".join(unicodedata.normalize("NFC", text).split()) for text in texts]
    parts = [frame(b"text", text.encode("utf-8", "surrogatepass")) for text in folded if text]
    framed = frame(b"adjourn/node/v1", bytes.fromhex(ROOT), role.encode(), frame(*parts))
    assert child(ROOT, message) == hashlib.blake2b(framed, digest_size=32).hexdigest()


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Fine.", "Fine."),
        ("<think>\nhm\n</think>\n\nFine.", "\n\nFine."),
        ("hm\n</think>Fine.", "Fine."),
        ("<thinking>hm</thinking>Fine.", "Fine."),
        ("A<think>1</think>B<think>2</think>C", "ABC"),
        (" <think>and so on for ever", ""),
        ("</think>" * 200_000 + "Fine.", "Fine."),  # in time that grows with the text alone
        ("Write <think> and no more.", "Write <think> and no more."),
        ("a < b > c", "a < b > c"),
    ],
)
def test_reasoning_in_the_text_is_no_part_of_a_reply(text: str, spoken: str) -> None:
    """Clients do not send it back; a warning must be recognised all the same."""
    assert aloud(text) == spoken
    root = Origin("x").root()
    sent, sent_back = (Message.of("assistant", one) for one in (text, spoken))
    assert path_of(root, [(0, sent)]) == path_of(root, [(0, sent_back)])
    asked = Message.of("user", text)
    assert (child(root, asked) == child(root, Message.of("user", spoken))) == (text == spoken)
