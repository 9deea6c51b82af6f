"""Folding of disguised text, windows, and what a judgement depends on."""

import pytest

from adjourn.core.messages import Message, OpaquePart, Role
from adjourn.detectors.local_input import (
    MAX_WINDOWS,
    NEWEST_TOKENS,
    readings,
    relevant,
    unfold,
    windows,
)


def characters(text: str) -> list[int]:
    """A tokenizer of one token per word, told apart by its length."""
    return [1000 + len(word) for word in text.split()]


def said(*texts: str) -> list[Message]:
    roles = [Role.USER, Role.ASSISTANT]
    first = (len(texts) + 1) % 2
    return [Message.of(roles[(first + i) % 2], text) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("I h4te y0u", "I hate you"),
        ("k i l l  y o u r s e l f", "kill yourself"),
        ("k.i.l.l him", "kill him"),
        ("ho\u200bw a\u00adre yo\u2060u", "how are you"),
        ("p\u0430ssw\u043erd", "password"),
        ("h0w t0 m4ke", "how to make"),
        ("\uff4b\uff49\uff4c\uff4c", "kill"),
        ("\U0001d424\U0001d422\U0001d425\U0001d425", "kill"),
        ("sh!t", "shit"),
    ],
)
def test_undoes_common_disguises(disguised: str, plain: str) -> None:
    assert unfold(disguised) == plain
    assert readings(disguised)[-1] == plain


@pytest.mark.parametrize(
    "text",
    [
        "see you on the 20th at 10:30",
        "play the mp3 on my x86 box",
        "write to me@example.org or see https://example.org/a1b2",
        "it costs $100!",
        "\u043f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430",
        "\u65e5\u672c\u8a9e\u3067\u304a\u9858\u3044",
        "a b c",
        "e.g. the U.S. and the U.K.",
    ],
)
def test_leaves_ordinary_text_alone(text: str) -> None:
    assert readings(text) == [text]


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x01\x02", "\ud800"])
def test_nothing_to_read(text: str) -> None:
    assert readings(text) == []
    assert windows([Message.of(Role.USER, text)], characters) == []


def test_only_users_and_assistants_are_read() -> None:
    assert windows([], characters) == []
    assert windows([Message.of(Role.SYSTEM, "be nice")], characters) == []
    assert windows([Message.of(Role.TOOL, "42")], characters) == []
    assert windows([Message(Role.USER, (OpaquePart("image", b"x"),))], characters) == []


def test_every_token_of_a_message_of_some_length_is_in_a_window() -> None:
    words = [f"{'x' * (i % 50 + 1)}" for i in range(900)]
    found = windows([Message.of(Role.USER, " ".join(words))], characters)
    assert 1 < len(found) <= MAX_WINDOWS
    bodies = [list(one.ids[2:-1]) for one in found]
    assert all(len(body) <= NEWEST_TOKENS for body in bodies)
    assert bodies[0][:5] == characters(" ".join(words))[:5]
    covered = {tuple(body[i : i + 3]) for body in bodies for i in range(len(body) - 2)}
    wanted = characters(" ".join(words))
    assert all(tuple(wanted[i : i + 3]) in covered for i in range(len(wanted) - 2))


def test_very_long_text_is_sampled_with_both_ends() -> None:
    text = "begin " + "word " * 60_000 + "finish!!"
    found = windows([Message.of(Role.USER, text)], characters)
    assert len(found) <= 2 * MAX_WINDOWS
    assert found[0].ids[2] == 1000 + len("begin")
    assert any(one.ids[-2] == 1000 + len("finish!!") for one in found)


def test_context_is_the_latest_request_and_the_reply_to_it() -> None:
    conversation = said("longer-ago", "old reply", "request", "reply", "newest")
    assert relevant(conversation) == tuple(conversation[-3:])
    window = windows(conversation, characters)[0]
    newest = [i for i, kind in zip(window.ids, window.kinds, strict=True) if kind == 0]
    context = [i for i, kind in zip(window.ids, window.kinds, strict=True) if kind == 1]
    assert 1000 + len("newest") in newest
    assert 1000 + len("request") in context
    assert 1000 + len("longer-ago") not in context


def test_tool_and_system_messages_do_not_change_what_is_read() -> None:
    plain = said("request", "reply", "newest")
    mixed = [
        Message.of(Role.SYSTEM, "prompt"),
        plain[0],
        Message.of(Role.TOOL, "result"),
        plain[1],
        Message.of(Role.SYSTEM, "another"),
        plain[2],
    ]
    assert windows(mixed, characters) == windows(plain, characters)
