"""Paths that were read before: always the path that reading everything gives."""

import gc
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.errors import BadRequest
from adjourn.core.messages import Message
from adjourn.core.tree import Origin, path_of
from adjourn.runtime.trunks import Trunks
from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import Dialect
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses
from adjourn.wire.transcript import Transcript

ROOT = Origin("tenant", "someone").root()
WORDS = st.sampled_from(["a", "b", "", " a", "é"])
SAID = st.builds(lambda role, text: {"role": role, "content": text},
                 st.sampled_from(["user", "assistant", "system"]), WORDS)  # fmt: skip
OTHER: dict[str, list[dict[str, Any]]] = {
    "chat": [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
    ],
    "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]},
        {"role": "user", "content": [{"type": "tool_result"}, {"type": "text", "text": "a"}]},
    ],
    "responses": [
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "1", "name": "f"},
        {"type": "function_call_output", "call_id": "1", "output": "42"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
    ],
}
DIALECTS: list[tuple[str, Dialect]] = [
    ("chat", ChatCompletions()),
    ("messages", Messages()),
    ("responses", Responses()),
]


def transcript_of(name: str, dialect: Dialect, items: Any, **more: Any) -> Transcript:
    field = "input" if name == "responses" else "messages"
    return dialect.parse_request(json.dumps({"model": "m", field: items, **more}).encode()).messages


def as_read(transcript: Transcript) -> tuple[Message, ...]:
    """Look at every message by its place and from the end, as detectors do."""
    from_the_end = [transcript[-at] for at in range(1, len(transcript) + 1)]
    assert [transcript[at] for at in range(len(transcript))] == from_the_end[::-1]
    return tuple(transcript)


@pytest.mark.parametrize(("name", "dialect"), DIALECTS, ids=[name for name, _ in DIALECTS])
@given(data=st.data())
def test_a_path_that_is_remembered_is_the_path(
    name: str, dialect: Dialect, data: st.DataObject
) -> None:
    """Conversations that grow, are edited, cut, and given other leading messages."""
    trunks = Trunks(most_nodes=data.draw(st.sampled_from([0, 30, 1000])))
    items: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        items = items[: data.draw(st.integers(0, len(items)))]
        items += data.draw(st.lists(SAID | st.sampled_from(OTHER[name]), min_size=1, max_size=4))
        lead = data.draw(st.sampled_from([{}, {"system": "Be kind."}, {"instructions": "Be."}]))
        root = data.draw(st.sampled_from([ROOT, Origin("another").root()]))
        given_ = transcript_of(name, dialect, items, **lead)
        path = trunks.path(root, given_)
        everything = transcript_of(name, dialect, items, **lead).read()
        assert path == path_of(root, enumerate(everything))
        assert as_read(given_) == everything


def said(count: int) -> list[dict[str, Any]]:
    return [{"role": "assistant" if at % 2 else "user", "content": f"{at}"} for at in range(count)]


@pytest.mark.parametrize(("name", "dialect"), DIALECTS, ids=[name for name, _ in DIALECTS])
def test_of_the_next_turn_only_what_is_new_is_read(
    name: str, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    trunks, read = Trunks(), []
    for count in (1, 3, 3, 5, 101, 103):
        transcript = transcript_of(name, dialect, said(count))
        as_messages = transcript._as_messages

        def noted(items: Sequence[Any], first: int, inner: Any = as_messages) -> Any:
            read.append((first, len(items)))
            return inner(items, first)

        monkeypatch.setattr(transcript, "_as_messages", noted)
        trunks.path(ROOT, transcript)
        assert transcript[-1] == transcript[len(transcript) - 1]
        assert transcript[: len(transcript)] is transcript
    # what was sent again is known without its last turn; of 101 none of the last ones is known
    assert read == [(0, 1), (1, 2), (1, 2), (3, 2), (0, 101), (101, 2)]


def test_what_cannot_be_read_is_refused_each_time() -> None:
    trunks = Trunks()
    trunks.path(ROOT, transcript_of("chat", ChatCompletions(), said(3)))
    for _ in range(2):
        bad = transcript_of("chat", ChatCompletions(), [*said(3), {"role": "pope"}])
        with pytest.raises(BadRequest, match="not known") as refused:
            trunks.path(ROOT, bad)
        assert refused.value.param == "messages[3].role"


def test_nothing_that_was_written_is_kept() -> None:
    trunks = Trunks()
    secret = "a very private thing"
    trunks.path(
        ROOT, transcript_of("chat", ChatCompletions(), [{"role": "user", "content": secret}])
    )
    found, waiting = set[int](), [trunks.__dict__]
    while waiting:
        one: Any = waiting.pop()
        if id(one) not in found and not isinstance(one, type):
            found.add(id(one))
            assert secret not in repr(one)
            waiting += gc.get_referents(one)
    assert len(found) > 10


def test_what_is_kept_is_bounded() -> None:
    trunks = Trunks(most_nodes=100)
    for number in range(500):
        asked = [{"role": "user", "content": f"{number}"}]
        trunks.path(ROOT, transcript_of("chat", ChatCompletions(), asked))
    assert len(trunks._kept) == 16
